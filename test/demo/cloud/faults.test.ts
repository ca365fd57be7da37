import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { connect } from "node:net"
import { type Cloud, startCloud } from "../../../lib/demo/cloud/server.ts"
import { crc32cBase64 } from "../../../lib/support/checksums.ts"
import {
  gcsFailure,
  insert,
  insertMultipart,
  KIB256,
  object,
  openSession,
  putChunk,
  resourceOf,
  s3Failure,
} from "./requests.ts"

const BODY = Uint8Array.from({ length: 3 * KIB256 }, (_, i) => (i * 31) & 255)

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud({ keepAlive: false })
  cloud.createBucket("dest")
  cloud.createBucket("origin")
})
afterAll(() => cloud.stop())
beforeEach(() => {
  cloud.put("origin", "body", BODY, { checksum: "full-object" })
  for (const key of cloud.keys("dest")) cloud.delete("dest", key)
  cloud.log.clear()
})
afterEach(() => cloud.heal())

const read = (key = "body") =>
  fetch(`${cloud.url}/origin/${key}`, { headers: { "x-amz-checksum-mode": "ENABLED" } })

/**
 * Bytes of the body that came over the wire, whatever a client makes of them, and how the connection ended.
 */
async function rawRead(path: string): Promise<{ bytes: number; code: unknown }> {
  const { hostname, port } = new URL(cloud.url)
  const socket = connect(Number(port), hostname)
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
  const chunks: Buffer[] = []
  let code: unknown
  try {
    for await (const chunk of socket) chunks.push(chunk)
  } catch (error) {
    code = (error as { code?: unknown }).code
  }
  const answer = Buffer.concat(chunks)
  return { bytes: answer.length - (answer.indexOf("\r\n\r\n") + 4), code }
}

describe("a rule", () => {
  test("strikes only what it names, from the nth time on, as often as it says", async () => {
    cloud.put("origin", "other", "x")
    const rule = { operation: "s3.*", bucket: "origin", key: "bo*", nth: 2, times: 2 }
    const fault = cloud.fail({ ...rule, fault: { kind: "status", status: 503 } })
    const statuses: number[] = []
    for (const key of ["other", "body", "body", "other", "body", "body"])
      statuses.push((await read(key)).status)
    expect(statuses).toEqual([200, 200, 503, 200, 503, 200])
    expect(fault.hits).toBe(2)
  })

  test("with a probability strikes the same requests again under the same seed", async () => {
    const run = async (seed: number) => {
      using _ = cloud.fail({ probability: 0.5, seed, fault: { kind: "status", status: 503 } })
      const statuses: number[] = []
      for (let i = 0; i < 24; i++) statuses.push((await read()).status)
      return statuses.join()
    }
    const first = await run(7)
    expect(first).toContain("503")
    expect(first).toContain("200")
    expect(await run(7)).toBe(first)
    expect(await run(8)).not.toBe(first)
  })

  test("is gone after heal", async () => {
    cloud.fail({ times: 9, fault: { kind: "status", status: 500 } })
    expect((await read()).status).toBe(500)
    cloud.heal()
    expect((await read()).status).toBe(200)
  })

  test("can give answers another date", async () => {
    cloud.fail({ fault: { kind: "wrong-date", seconds: -3600 } })
    const [hit, next] = [await read(), await read()].map((answer) => Date.parse(answer.headers.get("date")!))
    expect(Math.round((next! - hit!) / 60_000)).toBe(60)
  })

  test("needs a server that was started for faults", async () => {
    await using bare = await startCloud({ faults: false })
    expect(() => bare.fail({ fault: { kind: "reset" } })).toThrow("without faults")
  })
})

describe("a status", () => {
  test("comes in the service's own form, with Retry-After, and nothing has happened", async () => {
    cloud.fail({ operation: "gcs.insert", fault: { kind: "status", status: 429, retryAfter: "7" } })
    const response = await insert(cloud, "a", "x")
    expect(response.headers.get("retry-after")).toBe("7")
    expect(await gcsFailure(response)).toEqual([429, "rateLimitExceeded"])
    expect(cloud.keys("dest")).toEqual([])
    cloud.fail({ operation: "s3.get", fault: { kind: "status", status: 503 } })
    expect(await s3Failure(read())).toEqual([503, "SlowDown"])
    expect(cloud.log.entries.map(({ fault }) => fault)).toEqual(["status", "status"])
  })

  test("can come after the effect", async () => {
    cloud.fail({ operation: "gcs.insert", fault: { kind: "status", status: 503, afterEffect: true } })
    expect((await insert(cloud, "a", "x")).status).toBe(503)
    expect(cloud.log.entries.at(-1)).toMatchObject({ status: 503, effect: "created" })
  })
})

describe("a reset", () => {
  test("of a connection that was used before is repeated by Bun's fetch itself, of a fresh one it is not", async () => {
    await using reusing = await startCloud()
    reusing.createBucket("origin")
    reusing.put("origin", "body", "x")
    for (const [server, status] of [
      [reusing, 200],
      [cloud, "ECONNRESET"],
    ] as const) {
      const get = () => fetch(`${server.url}/origin/body`)
      await (await get()).bytes()
      server.fail({ fault: { kind: "reset" } })
      expect(
        await get().then(
          ({ status }) => status,
          ({ code }) => code,
        ),
      ).toBe(status)
    }
  })

  test("before the effect leaves nothing behind", async () => {
    cloud.fail({ operation: "gcs.insert", fault: { kind: "reset" } })
    await expect(insert(cloud, "a", "x")).rejects.toMatchObject({ code: "ECONNRESET" })
    await cloud.log.reached({ operation: "gcs.insert", status: 0 }, 1)
    expect(cloud.keys("dest")).toEqual([])
  })

  test("after the effect loses the answer only", async () => {
    cloud.fail({ operation: "gcs.insert", fault: { kind: "reset", afterEffect: true } })
    await expect(insert(cloud, "a", "x")).rejects.toMatchObject({ code: "ECONNRESET" })
    await cloud.log.reached({ operation: "gcs.insert", effect: "created" }, 1)
    expect(cloud.get("dest", "a")?.size).toBe(1)
  })

  test("hits one connection and no other", async () => {
    cloud.fail({ operation: "s3.get", key: "missing", fault: { kind: "reset" } })
    const answers = await Promise.allSettled([read(), read("missing"), read()])
    expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"])
  })
})

describe("a cut answer", () => {
  test("promises its whole length and ends before it", async () => {
    cloud.fail({ operation: "s3.get", fault: { kind: "cut", bytes: 300_000, end: "close" } })
    const response = await read()
    expect([response.status, response.headers.get("content-length")]).toEqual([200, String(BODY.length)])
    await expect(response.bytes()).rejects.toMatchObject({ code: "ECONNRESET" })
    expect(cloud.log.entries.at(-1)).toMatchObject({ bytesOut: 300_000, fault: "cut" })
  })

  test("sends exactly the bytes that it was told before it closes", async () => {
    cloud.fail({ operation: "s3.get", fault: { kind: "cut", bytes: 300_000, end: "close" } })
    expect(await rawRead("/origin/body")).toEqual({ bytes: 300_000, code: undefined })
  })

  test("can be reset before its first byte", async () => {
    cloud.fail({ operation: "s3.get", fault: { kind: "cut", bytes: 0, end: "reset" } })
    const whole = read().then((response) => response.bytes())
    await expect(whole).rejects.toMatchObject({ code: "ECONNRESET" })
  })

  test("can stand still, and goes on when it is released", async () => {
    const fault = cloud.fail({ operation: "s3.get", fault: { kind: "cut", bytes: 100_000, end: "stall" } })
    const reader = (await read()).body!.getReader()
    const chunks: Uint8Array[] = []
    const take = async () => chunks.push((await reader.read()).value!)
    const size = () => chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)
    while (size() < 100_000) await take()
    expect(size()).toBe(100_000)
    fault.release()
    while (size() < BODY.length) await take()
    expect(crc32cBase64(Buffer.concat(chunks))).toBe(crc32cBase64(BODY))
  })
})

test("an answer of many megabytes comes whole over a connection that ends with it", async () => {
  const large = new Uint8Array(24_000_000).fill(7)
  cloud.put("origin", "large", large)
  const answers = await Promise.all([read("large"), read("large"), read("large")])
  for (const answer of answers) expect(Buffer.compare(await answer.bytes(), large)).toBe(0)
})

describe("a cut upload", () => {
  test("of one request leaves nothing", async () => {
    cloud.fail({ operation: "gcs.insert", fault: { kind: "cut-upload", bytes: 1000 } })
    await expect(insert(cloud, "a", BODY)).rejects.toThrow()
    await cloud.log.reached({ operation: "gcs.insert", status: 0 }, 1)
    expect(cloud.keys("dest")).toEqual([])
  })

  test("of a session keeps whole units of what was read", async () => {
    const session = await openSession(cloud, "a")
    cloud.fail({ operation: "gcs.resumable.write", fault: { kind: "cut-upload", bytes: KIB256 + 1000 } })
    await expect(putChunk(session, BODY)).rejects.toThrow()
    await cloud.log.reached({ operation: "gcs.resumable.write", status: 0 }, 1)
    const status = await putChunk(session, "", `bytes */${BODY.length}`)
    expect([status.status, status.headers.get("range")]).toEqual([308, `bytes=0-${KIB256 - 1}`])
    const rest = putChunk(session, BODY.subarray(KIB256), `bytes ${KIB256}-${BODY.length - 1}/${BODY.length}`)
    expect((await resourceOf(rest)).crc32c).toBe(crc32cBase64(BODY))
  })
})

describe("a stalled request", () => {
  test("takes effect when it is released, though its client gave up long ago", async () => {
    const fault = cloud.fail({ operation: "gcs.insert", fault: { kind: "stall" } })
    const impatient = new AbortController()
    const query = "uploadType=media&name=late"
    const upload = fetch(`${cloud.url}/upload/storage/v1/b/dest/o?${query}`, {
      method: "POST",
      body: "x",
      signal: impatient.signal,
    })
    await fault.reached()
    impatient.abort()
    await expect(upload).rejects.toThrow()
    expect((await object(cloud, "late")).status).toBe(404)
    fault.release()
    await cloud.log.reached({ key: "late", effect: "created" }, 1)
    expect((await object(cloud, "late")).status).toBe(200)
  })

  test("is let go when the server stops", async () => {
    const other = await startCloud()
    other.createBucket("origin")
    const fault = other.fail({ fault: { kind: "stall" } })
    const answer = fetch(`${other.url}/origin/x`).catch(() => undefined)
    await fault.reached()
    await other.stop()
    await answer
  })

  test("with a delay is answered by itself", async () => {
    cloud.fail({ operation: "s3.get", fault: { kind: "delay", ms: 5 } })
    expect((await read()).status).toBe(200)
  })
})

describe("hashes and bytes that do not fit", () => {
  test("can be answered for an upload, a download and an object of S3", async () => {
    cloud.fail({ times: 3, fault: { kind: "wrong-checksum" } })
    const made = await resourceOf(insert(cloud, "a", "x"))
    const stored = cloud.get("dest", "a")!
    expect([made.size, made.crc32c === stored.crc32c, made.md5Hash === stored.md5]).toEqual([
      "1",
      false,
      false,
    ])
    const media = await object(cloud, "a", { alt: "media" })
    expect(media.headers.get("x-goog-hash")).not.toContain(stored.crc32c)
    const source = await read()
    expect(source.headers.get("x-amz-checksum-crc32c")).not.toBe(crc32cBase64(BODY))
    expect(source.headers.get("etag")).not.toBe(`"${cloud.get("origin", "body")!.etag}"`)
  })

  test("an upload that changes on the way is refused where a checksum was named, and told where none was", async () => {
    const session = await openSession(cloud, "plain")
    cloud.fail({ operation: "gcs.resumable.write", fault: { kind: "corrupt-upload" } })
    const made = await resourceOf(putChunk(session, BODY))
    expect(made.crc32c).not.toBe(crc32cBase64(BODY))
    const named = await openSession(cloud, "named", { resource: { crc32c: crc32cBase64(BODY) } })
    cloud.fail({ operation: "gcs.resumable.write", fault: { kind: "corrupt-upload" } })
    expect((await putChunk(named, BODY)).status).toBe(400)
    expect(cloud.keys("dest")).toEqual(["plain"])
  })

  test("bytes that rotted in the store are answered under their old hashes", async () => {
    await resourceOf(insertMultipart(cloud, { name: "a" }, BODY))
    cloud.corrupt("dest", "a")
    const media = await object(cloud, "a", { alt: "media" })
    expect(media.headers.get("x-goog-hash")).toContain(crc32cBase64(BODY))
    expect(crc32cBase64(await media.bytes())).not.toBe(crc32cBase64(BODY))
    expect(cloud.get("origin", "body")!.bytes).toEqual(BODY)
  })
})
