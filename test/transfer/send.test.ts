import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { startCloud } from "../../lib/demo/cloud/server.ts"
import { ChecksumMismatch, PreconditionFailed, Unavailable } from "../../lib/storage/errors.ts"
import { openGcs } from "../../lib/storage/gcs.ts"
import type { ObjectStore, WriteOptions } from "../../lib/storage/store.ts"
import { crc32cBase64, md5Base64 } from "../../lib/support/checksums.ts"
import { differenceOf, send, WrongBytesRemain } from "../../lib/transfer/send.ts"
import { failureOf, noise } from "../contract/bodies.ts"
import { tempDir } from "../support/temp.ts"

const BODY = noise(2_500)
const MD5 = md5Base64(BODY)
const CRC32C = crc32cBase64(BODY)
const CREATE = {
  contentType: "application/dicom",
  ifGeneration: "absent",
  metadata: { attempt: "l/0/1" },
} as const

const cloud = await startCloud({ keepAlive: false })
cloud.createBucket("dest")
const target = openGcs({ bucket: "dest", emulatorUrl: cloud.url })
const dir = tempDir("send")
afterAll(async () => {
  dir[Symbol.dispose]()
  await cloud.stop()
})
beforeEach(() => cloud.log.clear())
afterEach(() => {
  cloud.heal()
  cloud.roles.clear()
  for (const key of cloud.keys("dest")) cloud.delete("dest", key)
})

/** A service that takes no notice of the checksums that a write names; else it is the real one. */
const careless: ObjectStore = {
  ...target,
  write: (key, body, { md5: _md5, crc32c: _crc32c, ...options }, signal) =>
    target.write(key, body, options, signal),
}

describe("A body that is sent", () => {
  test("stands there with its type and its metadata, and its CRC32C is told", async () => {
    const written = await send(target, "k", BODY, { crc32c: CRC32C }, CREATE)
    expect(written).toMatchObject({ key: "k", size: 2_500, crc32c: CRC32C })
    expect(cloud.get("dest", "k")).toMatchObject({
      generation: written.generation,
      contentType: "application/dicom",
      metadata: { attempt: "l/0/1" },
      bytes: Buffer.from(BODY),
    })
  })

  test("from a file is held against its MD5, and its CRC32C is the destination's", async () => {
    writeFileSync(dir.file("body"), BODY)
    const written = await send(target, "k", Bun.file(dir.file("body")), { md5: MD5 }, CREATE)
    expect(written.crc32c).toBe(CRC32C)
  })

  test("names its checksum first: wrong bytes never stand there, not even for a moment", async () => {
    cloud.fail({ fault: { kind: "corrupt-upload" }, operation: "gcs.*" })
    expect(await failureOf(send(target, "k", BODY, { crc32c: CRC32C }, CREATE))).toBeInstanceOf(
      ChecksumMismatch,
    )
    expect(cloud.keys("dest")).toEqual([])
    expect(cloud.log.entries.filter(({ effect }) => effect !== undefined)).toEqual([])
  })

  test("replaces nothing", async () => {
    cloud.put("dest", "k", "somebody's")
    expect(await failureOf(send(target, "k", BODY, { crc32c: CRC32C }, CREATE))).toBeInstanceOf(
      PreconditionFailed,
    )
    expect(Buffer.from(cloud.get("dest", "k")!.bytes).toString()).toBe("somebody's")
  })
})

describe("An answer that differs from what was sent", () => {
  const wrong = noise(2_500, 2)

  test.each([
    ["bytes", BODY, { crc32c: crc32cBase64(wrong) }],
    ["an MD5", BODY, { md5: md5Base64(wrong), crc32c: CRC32C }],
  ])("in %s is deleted under its own generation", async (_, body, checksums) => {
    const failure = await failureOf(send(careless, "k", body, checksums, CREATE))
    expect(failure).toBeInstanceOf(ChecksumMismatch)
    expect(failure).not.toBeInstanceOf(WrongBytesRemain)
    expect((failure as Error).message).toContain("the destination does not hold what was sent")
    expect(cloud.keys("dest")).toEqual([])
  })

  test("in size is deleted, too", async () => {
    const short: ObjectStore = {
      ...careless,
      write: (key, body, options) => careless.write(key, (body as Uint8Array).subarray(1), options),
    }
    const failure = await failureOf(send(short, "k", BODY, { crc32c: CRC32C }, CREATE))
    expect(failure).toMatchObject({ name: "ChecksumMismatch" })
    expect((failure as Error).message).toContain("size 2499 instead of 2500")
    expect(cloud.keys("dest")).toEqual([])
  })

  test("that is the service's own mistake is deleted all the same: nothing proves the bytes", async () => {
    cloud.fail({ fault: { kind: "wrong-checksum" }, operation: "gcs.*" })
    expect(await failureOf(send(target, "k", BODY, { crc32c: CRC32C }, CREATE))).toBeInstanceOf(
      ChecksumMismatch,
    )
    expect(cloud.keys("dest")).toEqual([])
  })

  test("leaves alone what somebody else has put there since", async () => {
    const overtaken: ObjectStore = {
      ...careless,
      async write(key, body, options, signal) {
        const written = await careless.write(key, body, options, signal)
        cloud.put("dest", "k", "somebody's")
        return written
      },
    }
    const failure = await failureOf(send(overtaken, "k", BODY, { crc32c: crc32cBase64(wrong) }, CREATE))
    expect(failure).toBeInstanceOf(ChecksumMismatch)
    expect(Buffer.from(cloud.get("dest", "k")!.bytes).toString()).toBe("somebody's")
  })

  test("and is gone already is a mismatch like any other", async () => {
    const gone: ObjectStore = {
      ...careless,
      async write(key, body, options, signal) {
        const written = await careless.write(key, body, options, signal)
        cloud.delete("dest", key)
        return written
      },
    }
    const failure = await failureOf(send(gone, "k", BODY, { crc32c: crc32cBase64(wrong) }, CREATE))
    expect(failure).not.toBeInstanceOf(WrongBytesRemain)
    expect(failure).toBeInstanceOf(ChecksumMismatch)
  })

  test("and may not be deleted remains, under a generation that is told", async () => {
    cloud.roles.allow("anonymous", { dest: ["storage.objects.create"] })
    const failure = await failureOf(send(careless, "k", BODY, { crc32c: crc32cBase64(wrong) }, CREATE))
    expect(failure).toBeInstanceOf(WrongBytesRemain)
    const { generation } = cloud.describe("dest", "k")!
    expect(failure).toMatchObject({ generation, verdict: "retry", facts: { key: "k", generation } })
    expect((failure as Error).message).toBe(
      `wrong bytes stand at gs://dest/k under generation ${generation} and could not be deleted`,
    )
  })

  test("and cannot be deleted now remains, too", async () => {
    cloud.fail({ fault: { kind: "status", status: 503 }, operation: "gcs.delete", times: 9 })
    const failure = await failureOf(send(careless, "k", BODY, { crc32c: crc32cBase64(wrong) }, CREATE))
    expect(failure).toBeInstanceOf(WrongBytesRemain)
    expect((failure as Error).cause).toBeInstanceOf(Unavailable)
  })
})

test("A destination that tells no CRC32C is not believed", async () => {
  const silent: ObjectStore = {
    ...target,
    async write(key, body, options: WriteOptions, signal) {
      const { crc32c: _, ...written } = await target.write(key, body, options, signal)
      return written
    },
  }
  const failure = await failureOf(send(silent, "k", BODY, { md5: MD5 }, CREATE))
  expect((failure as Error).message).toContain("no CRC32C in its answer")
  expect(cloud.keys("dest")).toEqual([])
})

describe("The difference of two bodies", () => {
  const known = { size: 3, md5: "m", crc32c: "c" }

  test.each([
    ["the same, known by both", { ...known }, undefined],
    ["the same, known by its MD5", { size: 3, md5: "m" }, undefined],
    ["the same, known by its CRC32C", { size: 3, crc32c: "c" }, undefined],
    ["of another size", { ...known, size: 4 }, "size 3 instead of 4"],
    ["of another MD5", { ...known, md5: "x" }, "MD5 m instead of x"],
    ["of another CRC32C", { ...known, crc32c: "x" }, "CRC32C c instead of x"],
    ["known by its size only", { size: 3 }, "no checksum that both sides know"],
  ])("of which the other is %s", (_, wanted, difference) => {
    expect(differenceOf(known, wanted)).toBe(difference as string)
  })

  test("of which each is known by another checksum", () => {
    expect(differenceOf({ size: 3, md5: "m" }, { size: 3, crc32c: "c" })).toBe(
      "no checksum that both sides know",
    )
  })
})
