import { afterAll, afterEach, beforeEach, expect, test } from "bun:test"
import { startCloud } from "../../lib/demo/cloud/server.ts"
import { ChecksumMismatch, PreconditionFailed, Unavailable } from "../../lib/storage/errors.ts"
import { openGcs } from "../../lib/storage/gcs.ts"
import { withRetry } from "../../lib/storage/retry.ts"
import type { WriteOptions } from "../../lib/storage/store.ts"
import { crc32cBase64 } from "../../lib/support/checksums.ts"
import { Aborted } from "../../lib/support/errors.ts"
import { failureOf, noise } from "../contract/bodies.ts"
import { tempDir } from "../support/temp.ts"

const SLICE = 1 << 20
const BODY = noise(4 * SLICE + 17)
const DICOM = {
  contentType: "application/dicom",
  ifGeneration: "absent",
  crc32c: crc32cBase64(BODY),
  metadata: { attempt: "1" },
} satisfies WriteOptions
const QUICK = { retries: 3, minTimeoutMs: 1, maxTimeoutMs: 2 }

// Every fault is seen by our code, none is repeated away by the runtime.
const cloud = await startCloud({ keepAlive: false })
cloud.createBucket("bucket")
const dir = tempDir()
const file = Bun.file(dir.file("body"))
await Bun.write(file, BODY)
afterAll(async () => {
  await cloud.stop()
  dir[Symbol.dispose]()
})
beforeEach(() => {
  cloud.delete("bucket", "object")
  cloud.log.clear()
})
afterEach(() => cloud.heal())

const open = (stallMs = 30_000) =>
  openGcs({ bucket: "bucket", emulatorUrl: cloud.url, sliceBytes: SLICE, stallMs, resume: QUICK })

const slices = () => cloud.log.find({ operation: "gcs.resumable.write" })

function expectObjectOnce() {
  expect(Buffer.compare(cloud.get("bucket", "object")!.bytes, BODY)).toBe(0)
  expect(cloud.log.count({ effect: "created" })).toBe(1)
}

test("a large body goes up slice by slice", async () => {
  await open().write("object", file, DICOM)
  expectObjectOnce()
  expect(slices().map(({ status, bytesIn }) => [status, bytesIn])).toEqual([
    ...Array(4).fill([308, SLICE]),
    [200, 17],
  ])
})

test("a connection that breaks within a slice goes on behind what arrived", async () => {
  cloud.fail({ operation: "gcs.resumable.write", nth: 3, fault: { kind: "cut-upload", bytes: 700_000 } })
  await open().write("object", file, DICOM)
  expectObjectOnce()
  expect(cloud.log.count({ operation: "gcs.resumable.status" })).toBe(1)
  // What had arrived of the broken slice, in whole units of 256 KiB, was not sent again.
  const sent = slices().reduce((sum, { bytesIn }) => sum + bytesIn, 0)
  expect(sent).toBeLessThan(BODY.length + 256 * 1024)
})

test("slices after a failure are half as long", async () => {
  cloud.fail({ operation: "gcs.resumable.write", nth: 2, fault: { kind: "status", status: 503 } })
  await open().write("object", file, DICOM)
  expectObjectOnce()
  const lengths = slices().map(({ bytesIn }) => bytesIn)
  expect(lengths.slice(2)).toEqual([...Array(6).fill(SLICE / 2), 17])
})

test("the answer that was lost is found by asking", async () => {
  const lost = { kind: "reset", afterEffect: true } as const
  cloud.fail({ operation: "gcs.resumable.write", nth: 5, fault: lost })
  const written = await open().write("object", file, DICOM)
  expectObjectOnce()
  expect(written.generation).toBe(cloud.describe("bucket", "object")!.generation)
})

test("a slice that stands still is given up and sent again", async () => {
  const stalled = cloud.fail({ operation: "gcs.resumable.write", nth: 2, fault: { kind: "stall" } })
  await open(100).write("object", file, DICOM)
  expectObjectOnce()
  expect(stalled.hits).toBe(1)
})

test("a stalled slice is watched by asking for progress, and the answer may be that it is all there", async () => {
  const late = cloud.fail({ operation: "gcs.resumable.write", nth: 5, fault: { kind: "stall" } })
  const write = open(100).write("object", file, DICOM)
  await late.reached()
  // What the session was asked shows that its last slice had not arrived; when the slice is sent again it has.
  await cloud.log.reached({ operation: "gcs.resumable.status" }, 1)
  late.release()
  await write
  expectObjectOnce()
})

test("failures that had progress between them do not add up", async () => {
  cloud.fail({ operation: "gcs.resumable.write", times: 9, fault: { kind: "cut-upload", bytes: 300_000 } })
  await open().write("object", file, DICOM)
  expectObjectOnce()
})

test("an upload that does not advance fails, and its session is cancelled", async () => {
  const down = { kind: "status", status: 503 } as const
  cloud.fail({ operation: "gcs.resumable.write", times: Number.POSITIVE_INFINITY, fault: down })
  await expect(open().write("object", file, DICOM)).rejects.toBeInstanceOf(Unavailable)
  expect(slices()).toHaveLength(1 + QUICK.retries)
  expect(cloud.log.count({ operation: "gcs.resumable.cancel", status: 499 })).toBe(1)
})

test("a session that the service gave up is not asked again, and a retry opens another", async () => {
  cloud.fail({ operation: "gcs.resumable.write", nth: 2, fault: { kind: "status", status: 410 } })
  await expect(open().write("object", file, DICOM)).rejects.toBeInstanceOf(Unavailable)
  expect(slices()).toHaveLength(2)

  cloud.fail({ operation: "gcs.resumable.write", nth: 2, fault: { kind: "status", status: 404 } })
  await withRetry(open(), QUICK).write("object", file, DICOM)
  expectObjectOnce()
  expect(cloud.log.count({ operation: "gcs.resumable.open" })).toBe(3)
})

test("bytes that changed on the way never become an object", async () => {
  cloud.fail({ operation: "gcs.resumable.write", nth: 3, fault: { kind: "corrupt-upload" } })
  await expect(open().write("object", file, DICOM)).rejects.toBeInstanceOf(ChecksumMismatch)
  expect(cloud.describe("bucket", "object")).toBeUndefined()
})

test("a precondition that fails costs no bytes; one that fails at the end leaves the other's object", async () => {
  cloud.put("bucket", "object", "theirs")
  await expect(open().write("object", file, DICOM)).rejects.toBeInstanceOf(PreconditionFailed)
  expect(slices()).toHaveLength(0)

  cloud.delete("bucket", "object")
  const last = cloud.fail({ operation: "gcs.resumable.write", nth: 5, fault: { kind: "stall" } })
  const write = open().write("object", file, DICOM)
  await last.reached()
  cloud.put("bucket", "object", "theirs")
  last.release()
  expect(await failureOf(write)).toBeInstanceOf(PreconditionFailed)
  expect(cloud.get("bucket", "object")?.size).toBe(6)
})

test("an aborted upload cancels its session and leaves nothing", async () => {
  const stalled = cloud.fail({ operation: "gcs.resumable.write", nth: 3, fault: { kind: "stall" } })
  const stop = new AbortController()
  const write = open().write("object", file, DICOM, stop.signal)
  await stalled.reached()
  stop.abort()
  expect(await failureOf(write)).toBeInstanceOf(Aborted)
  expect(cloud.log.count({ operation: "gcs.resumable.cancel", status: 499 })).toBe(1)
  expect(cloud.describe("bucket", "object")).toBeUndefined()
})

test("a session that cannot be cancelled does not hide why it was given up", async () => {
  cloud.fail({ operation: "gcs.resumable.cancel", fault: { kind: "reset" } })
  cloud.fail({ operation: "gcs.resumable.write", nth: 3, fault: { kind: "corrupt-upload" } })
  await expect(open().write("object", file, DICOM)).rejects.toBeInstanceOf(ChecksumMismatch)
})
