import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { startCloud } from "../../lib/demo/cloud/server.ts"
import { ChecksumMismatch, PreconditionFailed } from "../../lib/storage/errors.ts"
import { openS3 } from "../../lib/storage/s3.ts"
import type { LocalBody } from "../../lib/storage/store.ts"
import { crc32cBase64, md5Base64 } from "../../lib/support/checksums.ts"
import { Aborted } from "../../lib/support/errors.ts"
import { checksumsOf, crc32cOfBody } from "../../lib/transfer/checksum.ts"
import { crc32cOfObject } from "../../lib/transfer/hash.ts"
import { failureOf, noise } from "../contract/bodies.ts"
import { tempDir } from "../support/temp.ts"

const BODY = noise(2_500)
const MD5 = md5Base64(BODY)
const CRC32C = crc32cBase64(BODY)
/** One byte differs, the length does not. */
const WRONG = BODY.with(1_234, BODY[1_234]! ^ 1)

const cloud = await startCloud({ keepAlive: false })
cloud.createBucket("origin")
const origin = openS3({
  bucket: "origin",
  endpoint: cloud.url,
  region: "r",
  accessKeyId: "a",
  secretAccessKey: "b",
})
const dir = tempDir("checksum")
afterAll(async () => {
  dir[Symbol.dispose]()
  await cloud.stop()
})
beforeEach(() => cloud.log.clear())
afterEach(() => cloud.heal())

/** The body as the transfer has it: small ones in memory, larger ones in a file. */
const forms: [string, (bytes: Uint8Array) => LocalBody][] = [
  ["in memory", (bytes) => bytes],
  [
    "in a file",
    (bytes) => {
      writeFileSync(dir.file("body"), bytes)
      return Bun.file(dir.file("body"))
    },
  ],
]

async function infoOf(key: string) {
  const { info, stream } = await origin.read(key)
  await stream.cancel()
  return info
}

describe.each(forms)("The checksums of a body %s", (_, form) => {
  const checksums = async (key: string, bytes: Uint8Array = BODY) =>
    checksumsOf(origin, { info: await infoOf(key), body: form(bytes) })

  test("are the ETag of an object in one part, which the destination holds its bytes against", async () => {
    cloud.put("origin", "plain", BODY)
    expect(await checksums("plain")).toEqual({ md5: MD5 })
  })

  test("are the CRC32C that the origin keeps of the whole object", async () => {
    cloud.put("origin", "full", BODY, { checksum: "full-object", multipartPartSize: 1_000 })
    expect(await checksums("full")).toEqual({ crc32c: CRC32C })
    cloud.put("origin", "both", BODY, { checksum: "full-object" })
    expect(await checksums("both")).toEqual({ md5: MD5, crc32c: CRC32C })
    expect(cloud.log.count({ operation: "s3.head" })).toBe(0)
  })

  test("are made from the bytes once these fit the ETag of their parts", async () => {
    cloud.put("origin", "parts", BODY, { multipartPartSize: 1_000 })
    expect(await checksums("parts")).toEqual({ crc32c: CRC32C })
    expect(cloud.log.count({ operation: "s3.head" })).toBe(1)
  })

  test.each([2_500, 5_000])(
    "are made so where one part of %i bytes has everything",
    async (multipartPartSize) => {
      cloud.put("origin", "one-part", BODY, { multipartPartSize })
      expect(await checksums("one-part")).toEqual({ crc32c: CRC32C })
    },
  )

  test("are refused to bytes that do not fit the ETag of their parts", async () => {
    cloud.put("origin", "parts", BODY, { multipartPartSize: 1_000 })
    const failure = await failureOf(checksums("parts", WRONG))
    expect(failure).toBeInstanceOf(ChecksumMismatch)
    expect(failure).toMatchObject({ facts: { store: "s3://origin", key: "parts" } })
  })

  test("are made from the bytes alone where the ETag is of another kind: keys of KMS", async () => {
    cloud.put("origin", "kms", BODY, { kms: true })
    expect(await checksums("kms")).toEqual({ crc32c: CRC32C })
    cloud.put("origin", "kms-parts", BODY, { kms: true, multipartPartSize: 1_000 })
    expect(await checksums("kms-parts")).toEqual({ crc32c: CRC32C })
  })

  test("are made from the bytes alone where the origin's checksum is one of parts' checksums", async () => {
    cloud.put("origin", "composite", BODY, { checksum: "composite", multipartPartSize: 1_000 })
    expect(await checksums("composite")).toEqual({ crc32c: CRC32C })
  })

  test("are made from the bytes alone where the parts cannot be of one size", async () => {
    cloud.put("origin", "parts", BODY, { multipartPartSize: 1_000 })
    const uneven = { ...origin, partSize: async () => 700 }
    expect(await checksumsOf(uneven, { info: await infoOf("parts"), body: form(BODY) })).toEqual({
      crc32c: CRC32C,
    })
  })

  test("are not those of an object that was replaced meanwhile", async () => {
    cloud.put("origin", "parts", BODY, { multipartPartSize: 1_000 })
    const info = await infoOf("parts")
    cloud.put("origin", "parts", WRONG, { multipartPartSize: 1_000 })
    const failure = await failureOf(checksumsOf(origin, { info, body: form(BODY) }))
    expect(failure).toBeInstanceOf(PreconditionFailed)
  })

  test("of no bytes are those of no bytes", async () => {
    cloud.put("origin", "empty", "")
    const info = await infoOf("empty")
    expect(await crc32cOfBody(form(new Uint8Array()))).toBe("AAAAAA==")
    expect(await checksumsOf(origin, { info, body: form(new Uint8Array()) })).toMatchObject({
      md5: "1B2M2Y8AsgTpgAmY7PhCfg==",
    })
  })
})

test("The bytes of a file are not read where the destination can hold them against something", async () => {
  cloud.put("origin", "plain", BODY)
  const absent = Bun.file(dir.file("never written"))
  expect(await checksumsOf(origin, { info: await infoOf("plain"), body: absent })).toEqual({ md5: MD5 })
})

test("Hashing ends when it is told to", async () => {
  writeFileSync(dir.file("large"), new Uint8Array(8 << 20))
  const failure = await failureOf(crc32cOfBody(Bun.file(dir.file("large")), AbortSignal.abort(new Aborted())))
  expect(failure).toBeInstanceOf(Aborted)
})

describe("The CRC32C of an object", () => {
  test("is that of the bytes that the store hands out, whatever it says of them", async () => {
    const large = noise(3 << 20)
    cloud.put("origin", "rotten", large)
    expect(await crc32cOfObject(origin, "rotten")).toBe(crc32cBase64(large))
    cloud.corrupt("origin", "rotten")
    expect(await crc32cOfObject(origin, "rotten")).not.toBe(crc32cBase64(large))
  })

  test("is no CRC32C of the part that came before the body broke", async () => {
    cloud.put("origin", "long", noise(300_000))
    cloud.fail({ operation: "s3.get", fault: { kind: "cut", bytes: 100_000, end: "close" } })
    expect(await failureOf(crc32cOfObject(origin, "long"))).toBeInstanceOf(Error)
  })
})
