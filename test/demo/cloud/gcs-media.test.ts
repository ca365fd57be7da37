import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { connect } from "node:net"
import { type Cloud, startCloud } from "../../../lib/demo/cloud/server.ts"
import { gcsFailure, object } from "./requests.ts"

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
  cloud.createBucket("dest")
  cloud.put("dest", "digits", "0123456789", { contentType: "text/digits", storageClass: "NEARLINE" })
  cloud.put("dest", "zipped", ZIPPED, { contentType: "application/json", contentEncoding: "gzip" })
  cloud.put("dest", "kept", ZIPPED, { contentEncoding: "gzip", cacheControl: "no-transform" })
})
afterAll(() => cloud.stop())

const PLAIN = "a long text, a long text, a long text, a long text, a long text"
const ZIPPED = Bun.gzipSync(PLAIN)

function media(name: string, headers: Record<string, string> = {}, params: Record<string, string> = {}) {
  return object(cloud, name, { alt: "media", ...params }, { headers, decompress: false })
}

describe("a download", () => {
  test("tells generation, hashes and how the object is stored", async () => {
    const stored = cloud.get("dest", "digits")!
    const response = await media("digits")
    expect(await response.text()).toBe("0123456789")
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/digits",
      "content-length": "10",
      "x-goog-generation": stored.generation,
      "x-goog-metageneration": "1",
      "x-goog-hash": `crc32c=${stored.crc32c},md5=${stored.md5}`,
      "x-goog-storage-class": "NEARLINE",
      "x-goog-stored-content-encoding": "identity",
      "x-goog-stored-content-length": "10",
    })
  })

  test("goes by the download path too", async () => {
    const response = await fetch(`${cloud.url}/download/storage/v1/b/dest/o/digits?alt=media`)
    expect(await response.text()).toBe("0123456789")
  })

  test.each([
    ["bytes=0-0", 206, "0", "bytes 0-0/10"],
    ["bytes=3-5", 206, "345", "bytes 3-5/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=7-100", 206, "789", "bytes 7-9/10"],
    ["bytes=-2", 206, "89", "bytes 8-9/10"],
    ["bytes=-100", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=5-3", 200, "0123456789", null],
    ["bytes=0-1,4-5", 200, "0123456789", null],
    ["lines=0-1", 200, "0123456789", null],
  ])("of %s is %i %s", async (range, status, body, contentRange) => {
    const response = await media("digits", { range })
    expect([response.status, await response.text(), response.headers.get("content-range")]).toEqual([
      status,
      body,
      contentRange,
    ])
  })

  test.each(["bytes=10-", "bytes=-0"])("of %s is 416", async (range) => {
    expect(await gcsFailure(media("digits", { range }))).toEqual([416, "requestedRangeNotSatisfiable"])
  })

  test("keeps its preconditions", async () => {
    const { generation } = cloud.get("dest", "digits")!
    expect((await media("digits", {}, { ifGenerationMatch: "1" })).status).toBe(412)
    expect((await media("digits", {}, { ifGenerationNotMatch: generation })).status).toBe(304)
    expect((await media("digits", {}, { generation: "1" })).status).toBe(404)
    expect((await media("missing")).status).toBe(404)
  })
})

describe("an object with Content-Encoding gzip", () => {
  test("is sent as it is stored to whoever accepts gzip, in ranges too", async () => {
    const whole = await media("zipped", { "accept-encoding": "gzip" })
    expect(whole.headers.get("content-encoding")).toBe("gzip")
    expect(await whole.bytes()).toEqual(ZIPPED)
    const part = await media("zipped", { "accept-encoding": "br, gzip;q=1", range: "bytes=2-5" })
    expect([part.status, await part.bytes()]).toEqual([206, ZIPPED.slice(2, 6)])
  })

  test("is decompressed for everybody else, whatever range they ask for, with the stored bytes' hashes", async () => {
    const response = await media("zipped", { "accept-encoding": "identity", range: "bytes=2-5" })
    expect([response.status, await response.text()]).toEqual([200, PLAIN])
    expect(response.headers.get("content-encoding")).toBeNull()
    expect(response.headers.get("x-goog-stored-content-encoding")).toBe("gzip")
    expect(response.headers.get("x-goog-stored-content-length")).toBe(String(ZIPPED.length))
    expect(response.headers.get("x-goog-hash")).toContain(cloud.get("dest", "zipped")!.crc32c)
  })

  test("is decompressed without a Content-Length", async () => {
    const head = await rawHead(`/storage/v1/b/dest/o/zipped?alt=media`)
    expect(head.toLowerCase()).toContain("transfer-encoding: chunked")
    expect(head.toLowerCase()).not.toContain("\r\ncontent-length:")
  })

  test("stays as it is when its Cache-Control says no-transform", async () => {
    const response = await media("kept", { "accept-encoding": "identity" })
    expect(await response.bytes()).toEqual(ZIPPED)
  })
})

/** The head of an answer as it comes over the wire. */
async function rawHead(path: string): Promise<string> {
  const { hostname, port } = new URL(cloud.url)
  const socket = connect(Number(port), hostname)
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  let text = ""
  for await (const chunk of socket) text += String(chunk)
  return text.slice(0, text.indexOf("\r\n\r\n"))
}
