import { afterAll, afterEach, beforeEach, expect, test } from "bun:test"
import { startCloud } from "../../lib/demo/cloud/server.ts"
import { NotFound, Unavailable } from "../../lib/storage/errors.ts"
import { openGcs } from "../../lib/storage/gcs.ts"
import { withRetry } from "../../lib/storage/retry.ts"
import type { UploadParts, WriteOptions } from "../../lib/storage/store.ts"
import { crc32cBase64 } from "../../lib/support/checksums.ts"
import { Aborted } from "../../lib/support/errors.ts"
import { failureOf, noise, partsOf } from "../contract/bodies.ts"

const SLICE = 1 << 20
const UNIT = 256 << 10
const BODY = noise(5 * SLICE + 17)
const TAR = {
  contentType: "application/x-tar",
  ifGeneration: "absent",
  crc32c: crc32cBase64(BODY),
} satisfies WriteOptions
const QUICK = { retries: 3, minTimeoutMs: 1, maxTimeoutMs: 2 }

// Every fault is seen by our code, none is repeated away by the runtime.
const cloud = await startCloud({ keepAlive: false })
cloud.createBucket("bucket")
afterAll(() => cloud.stop())
beforeEach(() => {
  cloud.delete("bucket", "object")
  cloud.log.clear()
})
afterEach(() => cloud.heal())

const open = () => openGcs({ bucket: "bucket", emulatorUrl: cloud.url, sliceBytes: SLICE, resume: QUICK })

const slices = () => cloud.log.find({ operation: "gcs.resumable.write" })
const cancelled = () => cloud.log.count({ operation: "gcs.resumable.cancel", status: 499 })

function expectObjectOnce() {
  expect(Buffer.compare(cloud.get("bucket", "object")!.bytes, BODY)).toBe(0)
  expect(cloud.log.count({ effect: "created" })).toBe(1)
}

/** The body, and what was asked of it; `before` is awaited by each reading, which counts from 1. */
function recorded(before: (reading: number, signal?: AbortSignal) => unknown = () => {}) {
  const asked: [number, number][] = []
  const whole = partsOf(BODY)
  const body: UploadParts = {
    size: whole.size,
    async read(start, end, signal) {
      asked.push([start, end])
      await before(asked.length, signal)
      return whole.read(start, end, signal)
    },
  }
  return { body, asked }
}

const EACH_SLICE = [0, 1, 2, 3, 4].map((i) => [i * SLICE, (i + 1) * SLICE])

test("each piece is asked for once, and goes up as it is", async () => {
  const { body, asked } = recorded()
  await open().write("object", body, TAR)
  expectObjectOnce()
  expect(asked).toEqual([...EACH_SLICE, [5 * SLICE, BODY.length]] as typeof asked)
  expect(slices().map(({ bytesIn }) => bytesIn)).toEqual([...Array(5).fill(SLICE), 17])
})

test("a body of a few MiB costs one request", async () => {
  const bytes = BODY.subarray(0, 4 * SLICE)
  await open().write("object", partsOf(bytes), { ...TAR, crc32c: crc32cBase64(bytes) })
  expect(cloud.log.entries).toHaveLength(1)
  expect(Buffer.compare(cloud.get("bucket", "object")!.bytes, bytes)).toBe(0)
})

test("one piece is made while the one before it is on its way, and no more", async () => {
  const ahead: number[] = []
  const { body } = recorded((reading) => ahead.push(reading - slices().length))
  await open().write("object", body, TAR)
  expect(Math.max(...ahead)).toBe(2)
})

test("after a broken connection the bytes behind what arrived are asked for again, and no others", async () => {
  cloud.fail({ operation: "gcs.resumable.write", nth: 3, fault: { kind: "cut-upload", bytes: 700_000 } })
  const { body, asked } = recorded()
  await open().write("object", body, TAR)
  expectObjectOnce()
  const arrived = 2 * SLICE + Math.floor(700_000 / UNIT) * UNIT
  const again = asked.findIndex(([start]) => start === arrived)
  expect(asked[again]).toEqual([arrived, arrived + SLICE / 2])
  expect(asked.findLastIndex(([start]) => start < arrived)).toBeLessThan(again)
})

test("two buffers by turns are enough, whatever breaks", async () => {
  for (const nth of [1, 2, 3, 5, 6]) {
    const fault = { kind: "cut-upload", bytes: 300_000 } as const
    cloud.fail({ operation: "gcs.resumable.write", nth, fault })
  }
  const buffers = [new Uint8Array(SLICE), new Uint8Array(SLICE)]
  let calls = 0
  const body: UploadParts = {
    size: BODY.length,
    async read(start, end) {
      const buffer = buffers[calls++ % 2]!.fill(0).subarray(0, end - start)
      buffer.set(BODY.subarray(start, end))
      return buffer
    },
  }
  await withRetry(open(), QUICK).write("object", body, TAR)
  expectObjectOnce()
})

test("a session that the service lost begins anew, from the first byte", async () => {
  for (const status of [404, 410]) {
    cloud.delete("bucket", "object")
    cloud.log.clear()
    cloud.fail({ operation: "gcs.resumable.write", nth: 4, fault: { kind: "status", status } })
    const { body, asked } = recorded()
    await withRetry(open(), QUICK).write("object", body, TAR)
    expectObjectOnce()
    expect(cloud.log.count({ operation: "gcs.resumable.open" })).toBe(2)
    expect(asked.filter(([start]) => start === 0)).toHaveLength(2)
  }
})

test.each([
  ["at once", "gcs.insert", BODY.subarray(0, 5000)],
  ["in slices", "gcs.resumable.write", BODY],
])("the lost answer to a body that was sent %s is found", async (_, operation, bytes) => {
  const nth = Math.ceil(bytes.length / SLICE)
  const lost = cloud.fail({ operation, nth, fault: { kind: "reset", afterEffect: true } })
  const options = { ...TAR, crc32c: crc32cBase64(bytes) }
  const written = await withRetry(open(), QUICK).write("object", partsOf(bytes), options)
  expect(lost.hits).toBe(1)
  expect(written.generation).toBe(cloud.describe("bucket", "object")!.generation)
  expect(cloud.log.count({ effect: "created" })).toBe(1)
})

test("a piece whose source is unavailable is asked for again within the same session", async () => {
  const away = new Unavailable("the source is away", {})
  const { body } = recorded((reading) => (reading === 3 ? Promise.reject(away) : undefined))
  await open().write("object", body, TAR)
  expectObjectOnce()
  expect(cloud.log.count({ operation: "gcs.resumable.open" })).toBe(1)
})

test("a body that cannot be made any more ends its session", async () => {
  for (const failure of [new Unavailable("the source stays away", {}), new NotFound("it is gone", {})]) {
    cloud.log.clear()
    const { body } = recorded((reading) => (reading >= 3 ? Promise.reject(failure) : undefined))
    expect(await failureOf(open().write("object", body, TAR))).toBe(failure)
    expect(cancelled()).toBe(1)
  }
  expect(cloud.describe("bucket", "object")).toBeUndefined()
})

test("an aborted upload ends the making of its body, cancels its session and leaves nothing", async () => {
  const { promise: third, resolve: reachThird } = Promise.withResolvers<void>()
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  const { body } = recorded((reading, signal) => {
    if (reading < 3) return
    signal!.addEventListener("abort", () => end())
    reachThird()
    return ended
  })
  const stop = new AbortController()
  const write = open().write("object", body, TAR, stop.signal)
  await third
  stop.abort()
  expect(await failureOf(write)).toBeInstanceOf(Aborted)
  await ended
  expect(cancelled()).toBe(1)
  expect(cloud.describe("bucket", "object")).toBeUndefined()
})

test("an upload that failed ends the making of what nobody will send", async () => {
  const refused = cloud.fail({
    operation: "gcs.resumable.write",
    nth: 2,
    fault: { kind: "status", status: 400 },
  })
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  const { body } = recorded((reading, signal) => {
    if (reading < 3) return
    signal!.addEventListener("abort", () => end())
    return ended
  })
  await failureOf(open().write("object", body, TAR))
  await ended
  expect(refused.hits).toBe(1)
  expect(cancelled()).toBe(1)
})
