import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { type Cloud, startCloud } from "../../../lib/demo/cloud/server.ts"
import { crc32cBase64 } from "../../../lib/support/checksums.ts"
import { s3Failure } from "./requests.ts"

const PARTS = "aaaaabbbbbccc"

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
  cloud.createBucket("origin")
  cloud.put("origin", "plain", "0123456789", { contentType: "text/digits", metadata: { owner: "x" } })
  cloud.put("origin", "summed", "0123456789", { checksum: "full-object", storageClass: "GLACIER_IR" })
  cloud.put("origin", "parts", PARTS, { multipartPartSize: 5, checksum: "composite" })
  cloud.put("origin", "secret", "0123456789", { kms: true })
  cloud.put("origin", "zipped", Bun.gzipSync("text"), { contentEncoding: "gzip" })
})
afterAll(() => cloud.stop())

function get(key: string, headers: Record<string, string> = {}, init: BunFetchRequestInit = {}) {
  return fetch(`${cloud.url}/origin/${key}`, { headers, ...init })
}

function head(key: string, headers: Record<string, string> = {}) {
  return get(key, headers, { method: "HEAD" })
}

function md5(text: string | Uint8Array) {
  return createHash("md5").update(text).digest()
}

function crc(part: string | Uint8Array) {
  return Buffer.from(crc32cBase64(Buffer.from(part)), "base64")
}

describe("GetObject", () => {
  test("answers the bytes, their ETag in quotes and the custom metadata", async () => {
    const response = await get("plain")
    expect(await response.text()).toBe("0123456789")
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/digits",
      "content-length": "10",
      etag: `"${md5("0123456789").toString("hex")}"`,
      "last-modified": cloud.get("origin", "plain")!.updated.toUTCString(),
      "accept-ranges": "bytes",
      "x-amz-server-side-encryption": "AES256",
      "x-amz-meta-owner": "x",
    })
  })

  test("never decodes what is stored encoded", async () => {
    const response = await get("zipped", { "accept-encoding": "identity" }, { decompress: false })
    expect(response.headers.get("content-encoding")).toBe("gzip")
    expect(await response.bytes()).toEqual(cloud.get("origin", "zipped")!.bytes)
  })

  test.each([
    ["bytes=3-5", 206, "345", "bytes 3-5/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=2-3,5-6", 200, "0123456789", null],
  ])("of %s is %i %s", async (range, status, body, contentRange) => {
    const response = await get("plain", { range })
    expect([response.status, await response.text(), response.headers.get("content-range")]).toEqual([
      status,
      body,
      contentRange,
    ])
  })

  test("of a range behind the end is 416 and tells the size", async () => {
    const response = await get("plain", { range: "bytes=10-" })
    expect([response.status, response.headers.get("content-range")]).toEqual([416, "bytes */10"])
    expect(await response.text()).toContain("<ActualObjectSize>10</ActualObjectSize>")
  })

  test("keeps If-Match and If-None-Match", async () => {
    const etag = `"${cloud.get("origin", "plain")!.etag}"`
    expect((await get("plain", { "if-match": etag })).status).toBe(200)
    expect((await get("plain", { "if-match": "*" })).status).toBe(200)
    expect(await s3Failure(get("plain", { "if-match": '"other"' }))).toEqual([412, "PreconditionFailed"])
    expect((await get("plain", { "if-match": '"other"', range: "bytes=1-2" })).status).toBe(412)
    expect((await get("plain", { "if-none-match": etag })).status).toBe(304)
    expect((await get("plain", { "if-none-match": '"other"' })).status).toBe(200)
  })

  test("answers a checksum only when asked, of the whole, and where one was stored", async () => {
    const asked = { "x-amz-checksum-mode": "ENABLED" }
    const checksum = async (key: string, headers: Record<string, string>) => {
      const response = await get(key, headers)
      return [response.headers.get("x-amz-checksum-crc32c"), response.headers.get("x-amz-checksum-type")]
    }
    const { crc32c } = cloud.get("origin", "summed")!
    expect(await checksum("summed", asked)).toEqual([crc32c, "FULL_OBJECT"])
    expect(await checksum("summed", {})).toEqual([null, null])
    expect(await checksum("summed", { ...asked, range: "bytes=0-3" })).toEqual([null, null])
    expect(await checksum("plain", asked)).toEqual([null, null])
    const ofParts = Buffer.concat(["aaaaa", "bbbbb", "ccc"].map((part) => crc(part)))
    expect(await checksum("parts", asked)).toEqual([`${crc(ofParts).toString("base64")}-3`, "COMPOSITE"])
  })
})

describe("ETags", () => {
  test("of an upload in parts are the MD5 of the parts' MD5s and their number", () => {
    const ofParts = md5(Buffer.concat([md5("aaaaa"), md5("bbbbb"), md5("ccc")])).toString("hex")
    expect(cloud.get("origin", "parts")!.etag).toBe(`${ofParts}-3`)
  })

  test("under KMS look like an MD5 and are none", async () => {
    const response = await head("secret")
    expect(response.headers.get("etag")).toMatch(/^"[0-9a-f]{32}"$/)
    expect(response.headers.get("etag")).not.toBe((await head("plain")).headers.get("etag"))
    expect(response.headers.get("x-amz-server-side-encryption")).toBe("aws:kms")
  })
})

describe("a part", () => {
  test.each([
    ["parts?partNumber=1", "aaaaa", "bytes 0-4/13", "3"],
    ["parts?partNumber=3", "ccc", "bytes 10-12/13", "3"],
    ["plain?partNumber=1", "0123456789", "bytes 0-9/10", null],
  ])("%s is %s", async (key, body, contentRange, count) => {
    const response = await get(key)
    expect(response.status).toBe(206)
    expect(await response.text()).toBe(body)
    expect(response.headers.get("content-range")).toBe(contentRange)
    expect(response.headers.get("x-amz-mp-parts-count")).toBe(count)
  })

  test("tells its size and how many there are to a HEAD", async () => {
    const response = await head("parts?partNumber=1")
    expect([
      response.status,
      response.headers.get("content-length"),
      response.headers.get("x-amz-mp-parts-count"),
    ]).toEqual([206, "5", "3"])
  })

  test("that does not exist, or together with a range, is refused", async () => {
    expect(await s3Failure(get("parts?partNumber=4"))).toEqual([416, "InvalidPartNumber"])
    expect(await s3Failure(get("parts?partNumber=0"))).toEqual([400, "InvalidArgument"])
    expect(await s3Failure(get("parts?partNumber=1", { range: "bytes=0-1" }))).toEqual([
      400,
      "InvalidRequest",
    ])
  })
})

test("HeadObject answers what GetObject does, without the body, also where there is nothing", async () => {
  const found = await head("plain")
  expect([found.status, found.headers.get("content-length"), await found.text()]).toEqual([200, "10", ""])
  const missing = await head("missing")
  expect([missing.status, await missing.text()]).toEqual([404, ""])
})

test("missing keys and buckets have their own codes", async () => {
  expect(await s3Failure(get("missing"))).toEqual([404, "NoSuchKey"])
  expect(await s3Failure(fetch(`${cloud.url}/nowhere/key`))).toEqual([404, "NoSuchBucket"])
  expect((await fetch(`${cloud.url}/origin`, { method: "HEAD" })).status).toBe(200)
  expect((await fetch(`${cloud.url}/nowhere`, { method: "HEAD" })).status).toBe(404)
})

test("every write is refused", async () => {
  for (const method of ["PUT", "POST", "DELETE"]) {
    expect(
      await s3Failure(get("plain", {}, { method, ...(method === "DELETE" ? {} : { body: "x" }) })),
    ).toEqual([405, "MethodNotAllowed"])
  }
  expect(cloud.get("origin", "plain")!.size).toBe(10)
})

test("errors carry keys as data", async () => {
  const body = await (await get(encodeURIComponent("<a>&\"'"))).text()
  expect(body).toContain("<Key>&#60;a&#62;&#38;&#34;&#39;</Key>")
})
