import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { renameSync } from "node:fs"
import { findFfmpeg } from "../../lib/cod/index.ts"
import { testLedger } from "../support/ledger.ts"
import { openSeriesPage, PERSONAL, SCRIPT, type SeriesPage } from "./packed-series.ts"

let page: SeriesPage
let picture: number

beforeAll(async () => {
  page = await openSeriesPage(testLedger())
  picture = await page.packed("a", "1.2.5", [{ burnedIn: "YES" }])
})
afterAll(() => page[Symbol.asyncDispose]())

const JPEG = [0xff, 0xd8, 0xff]

async function bytesOf(response: Response) {
  return new Uint8Array(await response.arrayBuffer())
}

async function sizeOf(response: Response) {
  const { default: sharp } = await import("sharp")
  const { width, height } = await sharp(await bytesOf(response)).metadata()
  return { width, height }
}

describe("a thumbnail", () => {
  test("is the stored JPEG, for this browser alone", async () => {
    const response = await page.ask(`/series/${picture}/thumbnail`)
    expect(response.status).toBe(200)
    expect(response.headers.get("content-type")).toBe("image/jpeg")
    expect(response.headers.get("cache-control")).toStartWith("private")
    expect(response.headers.get("vary")).toBe("cookie")
    expect(response.headers.get("x-content-type-options")).toBe("nosniff")
    const bytes = await bytesOf(response)
    expect([...bytes.slice(0, 3)]).toEqual(JPEG)
    const [stored] = [...new Bun.Glob("**/thumbnail.jpg").scanSync(page.bench.dir.file("datastore"))]
    expect(
      Buffer.from(bytes).equals(await Bun.file(page.bench.dir.file("datastore", stored!)).bytes()),
    ).toBeTrue()
  })

  test("is not sent again to whoever has it", async () => {
    const etag = (await page.ask(`/series/${picture}/thumbnail`)).headers.get("etag")!
    const known = { headers: { "if-none-match": `"other", ${etag}` } }
    const response = await page.ask(`/series/${picture}/thumbnail`, known)
    expect(response.status).toBe(304)
    expect(await response.text()).toBe("")
  })

  test.skipIf(findFfmpeg() === undefined)(
    "of several frames is a video that can be jumped in, and has a still",
    async () => {
      const video = await page.packed("v", "1.2.7", [{ frames: 3 }])
      const address = `/series/${video}/thumbnail`
      const whole = await page.ask(address)
      expect(whole.headers.get("content-type")).toBe("video/mp4")
      expect(whole.headers.get("accept-ranges")).toBe("bytes")
      const bytes = await bytesOf(whole)
      const ranges = [
        ["bytes=4-7", 206, bytes.slice(4, 8)],
        ["bytes=-3", 206, bytes.slice(-3)],
        [`bytes=${bytes.length - 2}-999999`, 206, bytes.slice(-2)],
        [`bytes=${bytes.length}-`, 416, new Uint8Array()],
        ["bytes=0-1,4-5", 200, bytes],
        ["lines=1-2", 200, bytes],
      ] as const
      for (const [range, status, expected] of ranges) {
        const part = await page.ask(address, { headers: { range } })
        expect(part.status).toBe(status)
        expect(Buffer.from(await bytesOf(part)).equals(expected)).toBeTrue()
      }
      const stale = await page.ask(address, { headers: { range: "bytes=4-7", "if-range": '"other"' } })
      expect(stale.status).toBe(200)
      const still = await page.ask(`${address}?still=1`)
      expect(still.headers.get("content-type")).toBe("image/jpeg")
      expect(await sizeOf(still)).toEqual({ width: 64, height: 64 })
    },
  )
})

describe("a frame", () => {
  test("is drawn no larger than it is, and as small as it is asked for", async () => {
    const large = await page.packed("l", "1.2.8", [{ rows: 512, columns: 300 }])
    const sizes = [
      ["", { width: 300, height: 512 }],
      ["?size=256", { width: 150, height: 256 }],
      ["?size=2048", { width: 300, height: 512 }],
    ] as const
    for (const [query, size] of sizes) {
      expect(await sizeOf(await page.ask(`/series/${large}/instances/1/frames/1${query}`))).toEqual(size)
    }
  })

  test("is asked for by the place of its image, or by its key", async () => {
    const address = `/series/${picture}/instances`
    const [byPlace, byKey] = await Promise.all(
      ["1", "1.2.5.8.1"].map(async (which) => bytesOf(await page.ask(`${address}/${which}/frames/1`))),
    )
    expect(Buffer.from(byKey!).equals(byPlace!)).toBeTrue()
  })

  test("looks otherwise in another window", async () => {
    const address = `/series/${picture}/instances/1/frames/1`
    const [own, other] = await Promise.all(
      [address, `${address}?window=40,20`].map(async (one) => bytesOf(await page.ask(one))),
    )
    expect(Buffer.from(own!).equals(other!)).toBeFalse()
  })

  test.each([
    "/series/0/thumbnail",
    "/series/99/thumbnail",
    "/series/1e0/thumbnail",
    "/series/9999999999999/thumbnail",
    "/series/..%2f..%2fetc/thumbnail",
    "/series/1/instances/2/frames/1",
    "/series/1/instances/..%2f..%2f1/frames/1",
    "/series/1/instances/__proto__/frames/1",
    "/series/1/instances/1/frames/2",
    "/series/1/instances/1/frames/0",
    "/series/1/instances/1/frames/1?size=300",
    "/series/1/instances/1/frames/1?window=1,0",
  ])("that is not there is told of in its place: %s", async (address) => {
    const response = await page.ask(address)
    expect(response.status).toBe(404)
    expect(response.headers.get("content-type")).toBe("image/svg+xml; charset=utf-8")
    expect(response.headers.get("cache-control")).toBe("no-store")
    expect(await response.text()).toStartWith("<svg")
  })
})

describe("a datastore", () => {
  test("that is gone leaves placeholders, and views that say so", async () => {
    const folder = page.bench.dir.file("datastore")
    renameSync(folder, `${folder}.away`)
    try {
      for (const address of [`/series/${picture}/thumbnail`, `/series/${picture}/instances/1/frames/1`]) {
        const response = await page.ask(address)
        expect([404, 503]).toContain(response.status)
        expect(await response.text()).toStartWith("<svg")
      }
      for (const address of [`/series/${picture}`, "/studies/a"]) {
        const view = await page.ask(address)
        expect(view.status).toBe(200)
        expect(await view.text()).toMatch(/not in the datastore|cannot be reached/)
      }
    } finally {
      renameSync(`${folder}.away`, folder)
    }
  })

  test("with damaged images leaves a placeholder", async () => {
    const damaged = await page.packed("d", "1.2.9", [{}])
    const tar = page.bench.dir.file("datastore", "studies", "1.2.9", "series", "1.2.9.8.tar")
    const bytes = await Bun.file(tar).bytes()
    bytes.fill(0xaa, 1536, 3000)
    await Bun.write(tar, bytes)
    const response = await page.ask(`/series/${damaged}/instances/1/frames/1`)
    expect(response.status).toBe(502)
    expect(await response.text()).toContain("damaged")
  })
})

describe("a header", () => {
  test("is told without what is personal", async () => {
    const json = await page.ask(`/series/${picture}/instances/1/tags`)
    expect(json.headers.get("content-type")).toStartWith("application/json")
    const { tags } = (await json.json()) as { tags: { name: string; value: string }[] }
    const named = Object.fromEntries(tags.map(({ name, value }) => [name, value]))
    expect(named).toMatchObject({
      Modality: "DX",
      Rows: "40",
      "View Position": "PA",
      "Burned In Annotation": "YES",
    })
    for (const address of ["", "/instances/1", "/instances/1/tags"]) {
      const text = await (await page.ask(`/series/${picture}${address}`)).text()
      for (const word of [...PERSONAL, SCRIPT, "Dr. Jane"]) expect(text).not.toContain(word)
    }
  })

  test("with scripts where words should be is shown without them", async () => {
    const parts = { manufacturer: `A${SCRIPT}`, view: `"><script>` }
    const hostile = await page.packed("h", "1.2.10", [parts])
    const { tags } = (await (await page.ask(`/series/${hostile}/instances/1/tags`)).json()) as {
      tags: { name: string }[]
    }
    expect(tags.map(({ name }) => name)).not.toContainAnyValues(["Manufacturer", "View Position"])
    const view = await (await page.ask(`/series/${hostile}/instances/1`)).text()
    expect(view).not.toContain("alert(1)")
  })

  test("says where there is text within the picture", async () => {
    for (const address of [`/series/${picture}`, `/series/${picture}/instances/1`, "/studies/a"]) {
      expect(await (await page.ask(address)).text()).toContain("text in the picture")
    }
  })
})

test("a series has its images in parts", async () => {
  const many = await page.packed(
    "m",
    "1.2.11",
    Array.from({ length: 25 }, () => ({})),
  )
  const first = await (await page.ask(`/series/${many}`)).text()
  expect(first.match(/frames\/1\?size=256/g)).toHaveLength(24)
  const second = await (await page.ask(`/series/${many}?page=2`)).text()
  expect(second.match(/frames\/1\?size=256/g)).toHaveLength(1)
  expect(second).toContain("page 2 of 2")
})

test("requests that nobody waits for any more are let go", async () => {
  const stop = new AbortController()
  const asked = Array.from({ length: 12 }, (_, n) =>
    page
      .ask(`/series/${picture}/instances/1/frames/1?window=${n},50`, { signal: stop.signal })
      .catch(() => undefined),
  )
  stop.abort()
  await Promise.all(asked)
  expect((await page.ask(`/series/${picture}/instances/1/frames/1`)).status).toBe(200)
  expect(page.logged.filter((line) => line.includes("a request to the page failed"))).toEqual([])
})
