import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { connect } from "node:net"
import { type Cloud, startCloud } from "../../../lib/demo/cloud/server.ts"
import { crc32cBase64, md5Base64 } from "../../../lib/support/checksums.ts"
import { gcsFailure, insert, KIB256, openSession, putChunk, resourceOf } from "./requests.ts"

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
  cloud.createBucket("dest")
})
afterAll(() => cloud.stop())

const BODY = Uint8Array.from({ length: 2 * KIB256 + 100 }, (_, i) => (i * 7 + (i >> 8)) & 255)
const TOTAL = BODY.length

describe("a resumable upload", () => {
  test("in one request makes the object with what the session was opened with", async () => {
    const session = await openSession(cloud, "whole", {
      headers: { "x-upload-content-type": "application/dicom", "x-upload-content-length": String(TOTAL) },
      resource: { metadata: { attempt: "1" }, md5Hash: md5Base64(BODY) },
    })
    const made = await resourceOf(putChunk(session, BODY))
    expect(made).toMatchObject({
      name: "whole",
      size: String(TOTAL),
      contentType: "application/dicom",
      metadata: { attempt: "1" },
      crc32c: crc32cBase64(BODY),
    })
    expect(cloud.get("dest", "whole")?.bytes).toEqual(BODY)
  })

  test("in chunks answers 308 with what is there, and shows nothing before the last", async () => {
    const session = await openSession(cloud, "chunks")
    const first = await putChunk(session, BODY.subarray(0, KIB256), `bytes 0-${KIB256 - 1}/${TOTAL}`)
    expect([first.status, first.headers.get("range")]).toEqual([308, `bytes=0-${KIB256 - 1}`])
    const rest = putChunk(session, BODY.subarray(KIB256), `bytes ${KIB256}-${TOTAL - 1}/${TOTAL}`)
    expect(cloud.get("dest", "chunks")).toBeUndefined()
    expect((await resourceOf(rest)).md5Hash).toBe(md5Base64(BODY))
  })

  test("of unknown length ends with a request that names the total", async () => {
    const session = await openSession(cloud, "unknown")
    const middle = await putChunk(session, BODY.subarray(0, 2 * KIB256), `bytes 0-${2 * KIB256 - 1}/*`)
    expect(middle.status).toBe(308)
    const made = await resourceOf(
      putChunk(session, BODY.subarray(2 * KIB256), `bytes ${2 * KIB256}-${TOTAL - 1}/${TOTAL}`),
    )
    expect(made.size).toBe(String(TOTAL))
  })

  test("of nothing makes an empty object", async () => {
    const made = await resourceOf(putChunk(await openSession(cloud, "empty"), "", "bytes */0"))
    expect([made.size, made.crc32c]).toEqual(["0", "AAAAAA=="])
  })

  test("keeps of a chunk that is not the last only whole units of 256 KiB", async () => {
    const session = await openSession(cloud, "units")
    const odd = await putChunk(session, BODY.subarray(0, KIB256 + 5), `bytes 0-${KIB256 + 4}/${TOTAL}`)
    expect([odd.status, odd.headers.get("range")]).toEqual([308, `bytes=0-${KIB256 - 1}`])
    const gap = await putChunk(
      session,
      BODY.subarray(KIB256 + 5),
      `bytes ${KIB256 + 5}-${TOTAL - 1}/${TOTAL}`,
    )
    expect([gap.status, gap.headers.get("content-type")]).toEqual([503, "text/plain; charset=utf-8"])
    const small = putChunk(
      session,
      BODY.subarray(KIB256, KIB256 + 5),
      `bytes ${KIB256}-${KIB256 + 4}/${TOTAL}`,
    )
    expect((await gcsFailure(small))[0]).toBe(400)
    expect(
      (await putChunk(session, BODY.subarray(KIB256), `bytes ${KIB256}-${TOTAL - 1}/${TOTAL}`)).status,
    ).toBe(200)
  })

  test("ignores bytes that it already has", async () => {
    const session = await openSession(cloud, "again")
    await putChunk(session, BODY.subarray(0, KIB256), `bytes 0-${KIB256 - 1}/${TOTAL}`)
    const made = await resourceOf(putChunk(session, BODY, `bytes 0-${TOTAL - 1}/${TOTAL}`))
    expect(made.crc32c).toBe(crc32cBase64(BODY))
  })

  test.each([
    ["names another total than before", `bytes 0-${TOTAL - 1}/${TOTAL + 1}`],
    ["says that it carries more than it does", `bytes 0-${TOTAL}/${TOTAL + 100}`],
    ["can not be read", `bytes=0-${TOTAL - 1}/${TOTAL}`],
    ["ends behind the total", `bytes 0-${TOTAL}/${TOTAL}`],
  ])("refuses a Content-Range that %s", async (_, contentRange) => {
    const session = await openSession(cloud, "range", {
      headers: { "x-upload-content-length": String(TOTAL) },
    })
    expect((await putChunk(session, BODY, contentRange)).status).toBe(400)
    expect(cloud.get("dest", "range")).toBeUndefined()
  })
})

describe("the status of a session", () => {
  test("is 308 without a range, with a range, and in the end the resource, as often as one asks", async () => {
    const session = await openSession(cloud, "status")
    const status = () => putChunk(session, "", `bytes */${TOTAL}`)
    const nothing = await status()
    expect([nothing.status, nothing.headers.get("range")]).toEqual([308, null])
    await putChunk(session, BODY.subarray(0, KIB256), `bytes 0-${KIB256 - 1}/${TOTAL}`)
    expect((await status()).headers.get("range")).toBe(`bytes=0-${KIB256 - 1}`)
    const made = await resourceOf(
      putChunk(session, BODY.subarray(KIB256), `bytes ${KIB256}-${TOTAL - 1}/${TOTAL}`),
    )
    expect(await resourceOf(status())).toEqual(made)
    expect(await resourceOf(putChunk(session, "", "bytes */*"))).toEqual(made)
    expect(cloud.log.count({ key: "status", effect: "created" })).toBe(1)
  })

  test("asked without a total never ends the upload", async () => {
    const session = await openSession(cloud, "open-end")
    await putChunk(session, BODY.subarray(0, KIB256), `bytes 0-${KIB256 - 1}/*`)
    expect((await putChunk(session, "", "bytes */*")).status).toBe(308)
    expect(cloud.get("dest", "open-end")).toBeUndefined()
  })
})

describe("a session", () => {
  test("that was cancelled answers 499, then 410 to everything", async () => {
    const session = await openSession(cloud, "cancelled")
    expect((await fetch(session, { method: "DELETE" })).status).toBe(499)
    expect((await putChunk(session, BODY)).status).toBe(410)
    expect((await putChunk(session, "", "bytes */*")).status).toBe(410)
    expect(cloud.get("dest", "cancelled")).toBeUndefined()
  })

  test("that was never opened is 404", async () => {
    const url = `${cloud.url}/upload/storage/v1/b/dest/o?uploadType=resumable&upload_id=none`
    expect(await gcsFailure(putChunk(url, BODY))).toEqual([404, "notFound"])
  })

  test("is not opened when its precondition already fails", async () => {
    cloud.put("dest", "taken", "x")
    const query = "uploadType=resumable&name=taken&ifGenerationMatch=0"
    const response = await fetch(`${cloud.url}/upload/storage/v1/b/dest/o?${query}`, { method: "POST" })
    expect([response.status, response.headers.get("location")]).toEqual([412, null])
  })

  test("keeps its precondition until its object would become visible", async () => {
    const session = await openSession(cloud, "raced", { params: { ifGenerationMatch: "0" } })
    expect((await insert(cloud, "raced", "other")).status).toBe(200)
    expect(await gcsFailure(putChunk(session, BODY))).toEqual([412, "conditionNotMet"])
    expect(cloud.get("dest", "raced")?.size).toBe(5)
    expect((await putChunk(session, BODY)).status).toBe(410)
  })

  test.each([
    ["in its resource", { resource: { crc32c: "AAAAAA==" } }, {}],
    ["with its last bytes", {}, { "x-goog-hash": "crc32c=AAAAAA==" }],
  ])("refuses bytes that are not those of the checksum named %s", async (_, opening, headers) => {
    const session = await openSession(cloud, "hashed", opening)
    const first = await putChunk(session, BODY.subarray(0, KIB256), `bytes 0-${KIB256 - 1}/${TOTAL}`)
    expect(first.status).toBe(308)
    const last = putChunk(session, BODY.subarray(KIB256), `bytes ${KIB256}-${TOTAL - 1}/${TOTAL}`, headers)
    expect(await gcsFailure(last)).toEqual([400, "invalid"])
    expect(cloud.get("dest", "hashed")).toBeUndefined()
  })

  test("keeps what came of a chunk whose client went away", async () => {
    const session = new URL(await openSession(cloud, "torn"))
    const before = cloud.log.count({ operation: "gcs.resumable.write" })
    const head = `PUT ${session.pathname}${session.search} HTTP/1.1\r\nHost: ${session.host}\r\nContent-Length: ${TOTAL}\r\n\r\n`
    const socket = connect(Number(session.port), session.hostname)
    socket.write(Buffer.concat([Buffer.from(head), BODY.subarray(0, KIB256 + 50)]), () => socket.end())
    await cloud.log.reached({ operation: "gcs.resumable.write" }, before + 1)
    const status = await putChunk(session.href, "", `bytes */${TOTAL}`)
    expect([status.status, status.headers.get("range")]).toEqual([308, `bytes=0-${KIB256 - 1}`])
    const made = await resourceOf(
      putChunk(session.href, BODY.subarray(KIB256), `bytes ${KIB256}-${TOTAL - 1}/${TOTAL}`),
    )
    expect(made.crc32c).toBe(crc32cBase64(BODY))
  })
})
