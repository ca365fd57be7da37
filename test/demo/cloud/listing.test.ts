import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import fc from "fast-check"
import { type Cloud, startCloud } from "../../../lib/demo/cloud/server.ts"

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud({ logEntries: false })
  cloud.createBucket("dest")
})
afterAll(() => cloud.stop())

interface Listing {
  readonly keys: string[]
  readonly prefixes: string[]
  readonly pages: number
}

/**
 * Few characters, so that prefixes meet; with two on both sides of the surrogates, where UTF-16 sorts
 * differently.
 */
const key = fc
  .array(fc.constantFrom("a", "b", "/", " ", "&", "%", "\u{ff5e}", "\u{1f600}"), {
    minLength: 1,
    maxLength: 6,
  })
  .map((characters) => `k${characters.join("")}`)

const request = fc.record({
  keys: fc.uniqueArray(key, { maxLength: 25 }),
  prefix: fc.constantFrom("", "k", "ka", "k/", "ka/"),
  delimiter: fc.constantFrom("", "/", "b"),
  limit: fc.integer({ min: 1, max: 7 }),
})

describe("a listing", () => {
  test.each([
    ["of the JSON API", listGcs],
    ["of S3", listS3],
  ])("%s has in its pages every key, in UTF-8 order, rolled up behind the delimiter", async (_, list) => {
    await fc.assert(
      fc.asyncProperty(request, async ({ keys, prefix, delimiter, limit }) => {
        for (const old of cloud.keys("dest")) cloud.delete("dest", old)
        for (const name of keys) cloud.put("dest", name, name)
        const expected = expectedListing(keys, prefix, delimiter)
        const listing = await list(prefix, delimiter, limit)
        expect(listing.keys).toEqual(expected.keys)
        expect(listing.prefixes).toEqual(expected.prefixes)
        expect(listing.pages).toBe(
          Math.max(1, Math.ceil((expected.keys.length + expected.prefixes.length) / limit)),
        )
      }),
      { numRuns: 60 },
    )
  })
})

describe("a part of a listing", () => {
  beforeAll(() => {
    for (const old of cloud.keys("dest")) cloud.delete("dest", old)
    for (const name of ["a", "b", "c", "d"]) cloud.put("dest", name, name)
  })

  test("of the JSON API goes from startOffset to before endOffset", async () => {
    const url = `${cloud.url}/storage/v1/b/dest/o?startOffset=b&endOffset=d`
    const { items } = (await (await fetch(url)).json()) as { items: { name: string }[] }
    expect(items.map(({ name }) => name)).toEqual(["b", "c"])
  })

  test("of S3 goes on behind start-after", async () => {
    const xml = await (await fetch(`${cloud.url}/dest?list-type=2&start-after=b`)).text()
    expect(texts(xml, "Key")).toEqual(["c", "d"])
  })

  test("begins with no token of somebody else", async () => {
    expect((await fetch(`${cloud.url}/storage/v1/b/dest/o?pageToken=xyz`)).status).toBe(400)
    expect((await fetch(`${cloud.url}/dest?list-type=2&continuation-token=xyz`)).status).toBe(400)
  })

  test("goes on though the key that ended the page before was deleted", async () => {
    const list = async (token: string) =>
      (await (await fetch(`${cloud.url}/storage/v1/b/dest/o?maxResults=2${token}`)).json()) as {
        items: { name: string }[]
        nextPageToken: string
      }
    const first = await list("")
    cloud.delete("dest", "b")
    const second = await list(`&pageToken=${first.nextPageToken}`)
    expect(second.items.map(({ name }) => name)).toEqual(["c", "d"])
  })
})

test("an empty listing of the JSON API has neither items nor prefixes", async () => {
  const response = await fetch(`${cloud.url}/storage/v1/b/dest/o?prefix=none`)
  expect(await response.json()).toEqual({ kind: "storage#objects" })
})

function expectedListing(keys: readonly string[], prefix: string, delimiter: string): Omit<Listing, "pages"> {
  const sorted = keys
    .filter((name) => name.startsWith(prefix))
    .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const rolledUp = sorted.map((name) => {
    const at = delimiter === "" ? -1 : name.indexOf(delimiter, prefix.length)
    return { name, common: at < 0 ? undefined : name.slice(0, at + delimiter.length) }
  })
  return {
    keys: rolledUp.filter(({ common }) => common === undefined).map(({ name }) => name),
    prefixes: [...new Set(rolledUp.flatMap(({ common }) => common ?? []))],
  }
}

async function listGcs(prefix: string, delimiter: string, limit: number): Promise<Listing> {
  const keys: string[] = []
  const prefixes: string[] = []
  let token: string | undefined
  let pages = 0
  do {
    const query = new URLSearchParams({ prefix, delimiter, maxResults: String(limit) })
    if (token !== undefined) query.set("pageToken", token)
    const page = (await (await fetch(`${cloud.url}/storage/v1/b/dest/o?${query}`)).json()) as {
      items?: { name: string }[]
      prefixes?: string[]
      nextPageToken?: string
    }
    keys.push(...(page.items ?? []).map(({ name }) => name))
    prefixes.push(...(page.prefixes ?? []))
    token = page.nextPageToken
    pages++
  } while (token !== undefined)
  return { keys, prefixes, pages }
}

async function listS3(prefix: string, delimiter: string, limit: number): Promise<Listing> {
  const keys: string[] = []
  const prefixes: string[] = []
  let token: string | undefined
  let pages = 0
  do {
    const query = new URLSearchParams({ "list-type": "2", prefix, delimiter, "max-keys": String(limit) })
    if (token !== undefined) query.set("continuation-token", token)
    // Every other page in the other of the two encodings of keys.
    if (pages % 2 === 1) query.set("encoding-type", "url")
    const decode = pages % 2 === 1 ? urlDecoded : xmlDecoded
    const xml = await (await fetch(`${cloud.url}/dest?${query}`)).text()
    keys.push(...texts(xml, "Key").map(decode))
    const common = [...xml.matchAll(/<CommonPrefixes><Prefix>(.*?)<\/Prefix>/gs)].map((match) => match[1]!)
    prefixes.push(...common.map(decode))
    expect(texts(xml, "KeyCount")).toEqual([String(texts(xml, "Key").length + common.length)])
    token = texts(xml, "NextContinuationToken")[0]
    expect(texts(xml, "IsTruncated")).toEqual([String(token !== undefined)])
    pages++
  } while (token !== undefined)
  return { keys, prefixes, pages }
}

function texts(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, "gs"))].map((match) => match[1]!)
}

function xmlDecoded(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
}

function urlDecoded(text: string): string {
  return decodeURIComponent(text.replaceAll("+", " "))
}
