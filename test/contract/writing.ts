import { expect } from "bun:test"
import { ChecksumMismatch, NotFound, PreconditionFailed, RequestRefused } from "../../lib/storage/errors.ts"
import type { ObjectStore, UploadBody, UploadParts, WriteOptions } from "../../lib/storage/store.ts"
import { crc32cBase64, md5Base64 } from "../../lib/support/checksums.ts"
import { Aborted } from "../../lib/support/errors.ts"
import { tempDir } from "../support/temp.ts"
import { bytesAt, failureOf, keysIn, noise, partsOf } from "./bodies.ts"

/** What everything that objects are written to promises, beside what `READING` says. */
export const WRITING = {
  shouldAnswerWithWhatIsThereNow,
  shouldCreateOnlyWhereNothingIs,
  shouldReplaceOnlyTheDemandedGeneration,
  shouldNotReplaceWhatIsNotThere,
  shouldRefuseWrongCrc32c,
  shouldRefuseWrongMd5,
  shouldRefuseWrongChecksumsOfFiles,
  shouldLeaveTheOldObjectWhenTheNewIsRefused,
  shouldWriteFilesOfAnySize,
  shouldWritePartsOfAnySize,
  shouldRefuseWrongChecksumsOfSmallParts,
  shouldRefuseWrongChecksumsOfLargeParts,
  shouldShowNothingOfPartsThatAreStillMade,
  shouldTellWhyPartsCannotBeRead,
  shouldRefusePartsOfAnotherLength,
  shouldCreatePartsOnlyWhereNothingIs,
  shouldKeepCustomMetadata,
  shouldKeepStorageClasses,
  shouldTellStorageClassesWithTheBytes,
  shouldKeepEncodings,
  shouldTellEverythingInListings,
  shouldDeleteOnlyTheDemandedGeneration,
  shouldTellThatNothingCanBeDeleted,
  shouldNeverGiveAGenerationTwice,
  shouldLetOneOfManyCreatorsWin,
  shouldLetOneOfManyReplacersWin,
  shouldLeaveNothingOfAbortedWrites,
}

const DICOM = { contentType: "application/dicom", ifGeneration: "absent" } satisfies WriteOptions

/** More than is uploaded at once, and several of the slices of 256 KiB that the tests open their stores with. */
const LARGE = 5 * (256 << 10) + 17

/** More parts than are uploaded at once. */
const LARGE_PARTS = (4 << 20) + 4711

async function shouldAnswerWithWhatIsThereNow(store: ObjectStore) {
  const bytes = noise(5000)
  const hashes = { crc32c: crc32cBase64(bytes), md5: md5Base64(bytes) }
  const written = await store.write("object", bytes, { ...DICOM, ...hashes })
  expect(written).toMatchObject({ key: "object", size: 5000, crc32c: hashes.crc32c })
  expect(written.contentType).toBe("application/dicom")
  const { updated, ...head } = (await store.head("object"))!
  expect(written).toMatchObject(head)
}

async function shouldCreateOnlyWhereNothingIs(store: ObjectStore) {
  await store.write("object", noise(10, 1), DICOM)
  await expect(store.write("object", noise(10, 2), DICOM)).rejects.toBeInstanceOf(PreconditionFailed)
  expect(await bytesAt(store, "object")).toEqual(noise(10, 1))
}

async function shouldReplaceOnlyTheDemandedGeneration(store: ObjectStore) {
  const first = await store.write("object", noise(10, 1), DICOM)
  const second = await store.write("object", noise(20, 2), { ...DICOM, ifGeneration: first.generation })
  expect(second.generation).not.toBe(first.generation)
  const third = store.write("object", noise(30, 3), { ...DICOM, ifGeneration: first.generation })
  await expect(third).rejects.toBeInstanceOf(PreconditionFailed)
  expect(await bytesAt(store, "object")).toEqual(noise(20, 2))
}

async function shouldNotReplaceWhatIsNotThere(store: ObjectStore) {
  const { generation } = await store.write("other", noise(10), DICOM)
  const write = store.write("object", noise(10), { ...DICOM, ifGeneration: generation })
  await expect(write).rejects.toBeInstanceOf(PreconditionFailed)
  expect(await keysIn(store)).toEqual(["other"])
}

async function shouldRefuseWrongCrc32c(store: ObjectStore) {
  const write = store.write("object", noise(5000), { ...DICOM, crc32c: crc32cBase64(noise(5000, 2)) })
  await expect(write).rejects.toBeInstanceOf(ChecksumMismatch)
  expect(await store.head("object")).toBeUndefined()
}

async function shouldRefuseWrongMd5(store: ObjectStore) {
  const write = store.write("object", noise(5000), { ...DICOM, md5: md5Base64(noise(5000, 2)) })
  await expect(write).rejects.toBeInstanceOf(ChecksumMismatch)
  expect(await store.head("object")).toBeUndefined()
}

async function shouldRefuseWrongChecksumsOfFiles(store: ObjectStore) {
  using dir = tempDir()
  await refusesWrongChecksums(store, await fileWith(dir.file("body"), noise(LARGE)))
}

async function shouldLeaveTheOldObjectWhenTheNewIsRefused(store: ObjectStore) {
  const before = await store.write("object", noise(10), DICOM)
  const options = { ...DICOM, ifGeneration: before.generation, crc32c: crc32cBase64(noise(1)) }
  await expect(store.write("object", noise(20), options)).rejects.toBeInstanceOf(ChecksumMismatch)
  expect((await store.head("object"))?.generation).toBe(before.generation)
  expect(await bytesAt(store, "object")).toEqual(noise(10))
}

async function shouldWriteFilesOfAnySize(store: ObjectStore) {
  using dir = tempDir()
  for (const size of [0, 1, 1 << 20, (1 << 20) + 1, 4 << 20, (4 << 20) + 13]) {
    const bytes = noise(size, size)
    const file = await fileWith(dir.file(String(size)), bytes)
    const hashes = { crc32c: crc32cBase64(bytes), md5: md5Base64(bytes) }
    const metadata = { size: String(size) }
    const written = await store.write(`${size}.dcm`, file, { ...DICOM, ...hashes, metadata })
    expect(written).toMatchObject({ size, crc32c: hashes.crc32c, contentType: "application/dicom", metadata })
    expect(Buffer.compare(await bytesAt(store, `${size}.dcm`), bytes)).toBe(0)
    expect(await file.exists()).toBe(true)
  }
}

async function shouldWritePartsOfAnySize(store: ObjectStore) {
  for (const size of [0, 1, 4 << 20, LARGE_PARTS, 3 * (4 << 20)]) {
    const bytes = noise(size, size)
    const hashes = { crc32c: crc32cBase64(bytes), md5: md5Base64(bytes) }
    const metadata = { size: String(size) }
    const written = await store.write(`${size}.tar`, partsOf(bytes), { ...DICOM, ...hashes, metadata })
    expect(written).toMatchObject({ size, crc32c: hashes.crc32c, contentType: "application/dicom", metadata })
    expect(Buffer.compare(await bytesAt(store, `${size}.tar`), bytes)).toBe(0)
  }
}

async function shouldRefuseWrongChecksumsOfSmallParts(store: ObjectStore) {
  await refusesWrongChecksums(store, partsOf(noise(5000)))
}

async function shouldRefuseWrongChecksumsOfLargeParts(store: ObjectStore) {
  await refusesWrongChecksums(store, partsOf(noise(LARGE_PARTS)))
}

async function refusesWrongChecksums(store: ObjectStore, body: UploadBody) {
  for (const wrong of [{ crc32c: crc32cBase64(noise(1)) }, { md5: md5Base64(noise(1)) }]) {
    await expect(store.write("object", body, { ...DICOM, ...wrong })).rejects.toBeInstanceOf(ChecksumMismatch)
  }
  expect(await keysIn(store)).toEqual([])
}

async function shouldShowNothingOfPartsThatAreStillMade(store: ObjectStore) {
  const before = await store.write("object", noise(10), DICOM)
  const seen: unknown[] = []
  const whole = partsOf(noise(LARGE_PARTS))
  const body: UploadParts = {
    size: whole.size,
    async read(start, end) {
      seen.push((await store.head("object"))?.generation)
      expect(await keysIn(store)).toEqual(["object"])
      return whole.read(start, end)
    },
  }
  await store.write("object", body, { ...DICOM, ifGeneration: before.generation })
  expect(seen).toEqual(seen.map(() => before.generation))
  expect((await store.head("object"))?.size).toBe(LARGE_PARTS)
}

async function shouldTellWhyPartsCannotBeRead(store: ObjectStore) {
  for (const size of [5000, LARGE_PARTS]) {
    const ours = new NotFound("what the body is made of is gone", {})
    const foreign = new TypeError("a defect")
    expect(await failureOf(store.write("object", breakingAtTheEnd(size, ours), DICOM))).toBe(ours)
    const defect = await failureOf(store.write("object", breakingAtTheEnd(size, foreign), DICOM))
    expect(defect).toBeInstanceOf(RequestRefused)
    expect((defect as RequestRefused).cause).toBe(foreign)
  }
  expect(await keysIn(store)).toEqual([])
}

async function shouldRefusePartsOfAnotherLength(store: ObjectStore) {
  for (const size of [5000, LARGE_PARTS]) {
    for (const change of [-1, 1]) {
      const wrong: UploadParts = { size, read: async (start, end) => noise(end - start + change) }
      await expect(store.write("object", wrong, DICOM)).rejects.toBeInstanceOf(RequestRefused)
    }
  }
  expect(await keysIn(store)).toEqual([])
}

async function shouldCreatePartsOnlyWhereNothingIs(store: ObjectStore) {
  await store.write("object", noise(10), DICOM)
  for (const size of [5000, LARGE_PARTS]) {
    const write = store.write("object", partsOf(noise(size)), DICOM)
    await expect(write).rejects.toBeInstanceOf(PreconditionFailed)
  }
  expect(await bytesAt(store, "object")).toEqual(noise(10))
}

async function shouldKeepCustomMetadata(store: ObjectStore) {
  using dir = tempDir()
  const metadata = {
    study_id: "42",
    source: `s3://bucket/a b/%41#"quoted" 'single' \\ é 🫁.dcm`,
    lines: "one\ntwo\ttab",
    empty: "",
  }
  await store.write("small", noise(10), { ...DICOM, metadata })
  await store.write("large", await fileWith(dir.file("body"), noise(2 << 20)), { ...DICOM, metadata })
  expect((await store.head("small"))?.metadata).toEqual(metadata)
  expect((await store.head("large"))?.metadata).toEqual(metadata)
}

/** Bodies of each kind, each on each way that a store may have for it. */
const BODIES: Record<string, UploadBody> = {
  small: noise(10),
  large: noise(LARGE),
  "small parts": partsOf(noise(10)),
  "large parts": partsOf(noise(LARGE_PARTS)),
}

async function shouldKeepStorageClasses(store: ObjectStore) {
  for (const [key, body] of Object.entries(BODIES)) {
    const written = await store.write(key, body, { ...DICOM, storageClass: "NEARLINE" })
    expect(written.storageClass).toBe("NEARLINE")
    expect((await store.head(key))?.storageClass).toBe("NEARLINE")
  }
  const listed = await Array.fromAsync(store.list(""))
  expect(listed.map(({ storageClass }) => storageClass)).toEqual(listed.map(() => "NEARLINE"))
}

async function shouldTellStorageClassesWithTheBytes(store: ObjectStore) {
  await store.write("object", noise(10), { ...DICOM, storageClass: "NEARLINE" })
  const { info, stream } = await store.read("object")
  await stream.cancel()
  expect(info.storageClass).toBe("NEARLINE")
}

async function shouldKeepEncodings(store: ObjectStore) {
  for (const [key, body] of Object.entries(BODIES)) {
    const options = { ...DICOM, contentType: "application/json", contentEncoding: "gzip" }
    const types = { contentType: options.contentType, contentEncoding: options.contentEncoding }
    expect(await store.write(key, body, options)).toMatchObject(types)
    expect(await store.head(key)).toMatchObject(types)
  }
}

async function shouldTellEverythingInListings(store: ObjectStore) {
  const metadata = { study_id: "42" }
  const written = await store.write("a/object", noise(10), {
    ...DICOM,
    contentEncoding: "identity",
    metadata,
  })
  const { updated, ...told } = written
  expect(await Array.fromAsync(store.list("a/"))).toMatchObject([told])
}

async function shouldDeleteOnlyTheDemandedGeneration(store: ObjectStore) {
  const first = await store.write("object", noise(10, 1), DICOM)
  const second = await store.write("object", noise(10, 2), { ...DICOM, ifGeneration: first.generation })
  const stale = await store.delete("object", { ifGeneration: first.generation }).catch((error) => error)
  expect([PreconditionFailed, NotFound]).toContain(stale.constructor)
  expect(await bytesAt(store, "object")).toEqual(noise(10, 2))
  await store.delete("object", { ifGeneration: second.generation })
  expect(await store.head("object")).toBeUndefined()
  expect(await keysIn(store)).toEqual([])
}

async function shouldTellThatNothingCanBeDeleted(store: ObjectStore) {
  const { generation } = await store.write("object", noise(10), DICOM)
  await store.delete("object", { ifGeneration: generation })
  const again = store.delete("object", { ifGeneration: generation })
  await expect(again).rejects.toBeInstanceOf(NotFound)
}

async function shouldNeverGiveAGenerationTwice(store: ObjectStore) {
  const generations = new Set<string>()
  for (let i = 0; i < 5; i++) {
    const { generation } = await store.write("object", noise(10), DICOM)
    generations.add(generation)
    await store.delete("object", { ifGeneration: generation })
  }
  expect(generations.size).toBe(5)
}

async function shouldLetOneOfManyCreatorsWin(store: ObjectStore) {
  const creators = Array.from({ length: 12 }, (_, i) => store.write("object", noise(2000, i), DICOM))
  await onlyOneWins(store, creators)
}

async function shouldLetOneOfManyReplacersWin(store: ObjectStore) {
  const { generation } = await store.write("object", noise(10), DICOM)
  const options = { ...DICOM, ifGeneration: generation }
  await onlyOneWins(
    store,
    Array.from({ length: 12 }, (_, i) => store.write("object", noise(2000, i), options)),
  )
}

async function onlyOneWins(store: ObjectStore, writes: Promise<{ generation: string }>[]) {
  const outcomes = await Promise.allSettled(writes)
  const winners = outcomes.flatMap((outcome, i) => (outcome.status === "fulfilled" ? [i] : []))
  const losers = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []))
  expect(winners).toHaveLength(1)
  for (const loser of losers) expect(loser).toBeInstanceOf(PreconditionFailed)
  expect(await bytesAt(store, "object")).toEqual(noise(2000, winners[0]))
}

async function shouldLeaveNothingOfAbortedWrites(store: ObjectStore) {
  using dir = tempDir()
  const large = await fileWith(dir.file("body"), noise(8 << 20))
  const bodies: UploadBody[] = [noise(100), large, partsOf(noise(LARGE_PARTS))]
  for (const body of bodies) {
    await expect(store.write("object", body, DICOM, AbortSignal.abort())).rejects.toBeInstanceOf(Aborted)
    const stop = new AbortController()
    const write = store.write("object", body, DICOM, stop.signal)
    stop.abort()
    await expect(write).rejects.toBeInstanceOf(Aborted)
  }
  expect(await keysIn(store)).toEqual([])
}

function breakingAtTheEnd(size: number, error: Error): UploadParts {
  const whole = partsOf(noise(size))
  return { size, read: async (start, end) => (end === size ? Promise.reject(error) : whole.read(start, end)) }
}

async function fileWith(path: string, bytes: Uint8Array) {
  await Bun.write(path, bytes)
  return Bun.file(path)
}
