import { expect } from "bun:test"
import { NotFound, PreconditionFailed, RequestRefused } from "../../lib/storage/errors.ts"
import { compareKeys } from "../../lib/storage/keys.ts"
import { crc32cBase64, md5Base64 } from "../../lib/support/checksums.ts"
import { Aborted } from "../../lib/support/errors.ts"
import { forEachLimit } from "../../lib/support/pool.ts"
import { bytesAt, keysIn, noise } from "./bodies.ts"
import type { Origin } from "./subject.ts"

/** What everything that objects are read from promises. */
export const READING = {
  shouldFindNothingWhereNothingIs,
  shouldReadBackEveryByte,
  shouldReadRanges,
  shouldRefuseRangesWithoutBytes,
  shouldReadNothingButTheDemandedGeneration,
  shouldTellTheSameWithTheBytesAsWithHead,
  shouldTellOnlyTrueHashes,
  shouldKeepTypes,
  shouldNotDecodeContent,
  shouldKeepUnusualKeys,
  shouldListInTheOrderOfUtf8,
  shouldListWhatBeginsWithThePrefix,
  shouldListMoreThanOnePage,
  shouldServeOthersWhenBodiesAreLeft,
  shouldStopWhenItsSignalIsAborted,
  shouldBeFoundUsable,
}

async function shouldFindNothingWhereNothingIs({ source }: Origin) {
  expect(await source.head("nothing/here")).toBeUndefined()
  await expect(source.read("nothing/here")).rejects.toBeInstanceOf(NotFound)
  expect(await keysIn(source)).toEqual([])
}

async function shouldReadBackEveryByte({ source, put }: Origin) {
  for (const size of [0, 1, 70_000, 3_000_000]) {
    const bytes = noise(size)
    await put(`of ${size} bytes`, bytes)
    const { info, stream } = await source.read(`of ${size} bytes`)
    expect(info.size).toBe(size)
    expect(Buffer.compare(await new Response(stream).bytes(), bytes)).toBe(0)
    expect((await source.head(`of ${size} bytes`))?.size).toBe(size)
  }
}

async function shouldReadRanges({ source, put }: Origin) {
  const bytes = noise(100_000)
  await put("object", bytes)
  const ranges = [
    { start: 0, end: 1 },
    { start: 0, end: 100_000 },
    { start: 17, end: 4711 },
    { start: 99_999 },
    { start: 50_000 },
    { start: 0 },
    { start: 99_990, end: 200_000 },
  ]
  for (const range of ranges) {
    const { info, stream } = await source.read("object", { range })
    expect(await new Response(stream).bytes()).toEqual(bytes.slice(range.start, range.end))
    expect(info.size).toBe(100_000)
  }
}

async function shouldRefuseRangesWithoutBytes({ source, put }: Origin) {
  await put("object", noise(10))
  await put("empty", noise(0))
  for (const range of [{ start: 10 }, { start: 11, end: 12 }, { start: 5, end: 5 }]) {
    await expect(source.read("object", { range })).rejects.toBeInstanceOf(RequestRefused)
  }
  await expect(source.read("empty", { range: { start: 0, end: 1 } })).rejects.toBeInstanceOf(RequestRefused)
  expect(await bytesAt(source, "empty", { range: { start: 0 } })).toEqual(noise(0))
}

async function shouldReadNothingButTheDemandedGeneration({ source, put }: Origin) {
  await put("object", noise(1000, 1))
  const first = (await source.head("object"))!
  expect(await bytesAt(source, "object", { ifGeneration: first.generation })).toEqual(noise(1000, 1))

  await put("object", noise(1000, 2))
  const second = (await source.head("object"))!
  expect(second.generation).not.toBe(first.generation)
  const reread = source.read("object", { ifGeneration: first.generation, range: { start: 10 } })
  await expect(reread).rejects.toBeInstanceOf(PreconditionFailed)
  expect(await bytesAt(source, "object", { ifGeneration: second.generation })).toEqual(noise(1000, 2))
}

async function shouldTellTheSameWithTheBytesAsWithHead({ source, put }: Origin) {
  await put("object", noise(1000), { contentType: "application/dicom" })
  const { info, stream } = await source.read("object")
  await stream.cancel()
  const head = (await source.head("object"))!
  const [listed] = await Array.fromAsync(source.list("object"))
  const identity = { key: head.key, size: head.size, generation: head.generation }
  expect(info).toMatchObject({ ...identity, contentType: head.contentType })
  expect(listed).toMatchObject(identity)
}

async function shouldTellOnlyTrueHashes({ source, put }: Origin) {
  const bytes = noise(5000)
  await put("object", bytes)
  const body = await source.read("object")
  await body.stream.cancel()
  const ranged = await source.read("object", { range: { start: 1, end: 2 } })
  await ranged.stream.cancel()
  const listed = await Array.fromAsync(source.list(""))
  for (const info of [body.info, ranged.info, await source.head("object"), ...listed]) {
    expect([undefined, crc32cBase64(bytes)]).toContain(info?.crc32c)
    expect([undefined, md5Base64(bytes)]).toContain(info?.md5)
  }
}

async function shouldKeepTypes({ source, put }: Origin) {
  await put("report", noise(10), { contentType: "text/plain; charset=utf-8", metadata: { study_id: "42" } })
  const head = await source.head("report")
  expect(head).toMatchObject({ contentType: "text/plain; charset=utf-8", metadata: { study_id: "42" } })
}

async function shouldNotDecodeContent({ source, put }: Origin) {
  const zipped = Bun.gzipSync(noise(5000))
  await put("zipped", zipped, { contentType: "text/plain", contentEncoding: "gzip" })
  const { info, stream } = await source.read("zipped")
  expect(await new Response(stream).bytes()).toEqual(new Uint8Array(zipped))
  expect(info).toMatchObject({ size: zipped.byteLength, contentEncoding: "gzip" })
  expect(await bytesAt(source, "zipped", { range: { start: 2, end: 9 } })).toEqual(
    new Uint8Array(zipped.slice(2, 9)),
  )
}

const UNUSUAL_KEYS = [
  "a b/c  d.dcm",
  "percent %41 100%/%2F.dcm",
  "hash#query?a=b&c=d;e",
  "plus+minus-~tilde_$@:,!",
  `quotes'"\`(brackets)[]{}<>*|^`,
  "back\\slash",
  "ümläut/NFC é NFD e\u0301",
  "漢字/עברית/Ελληνικά",
  "emoji 🫁/🩻.dcm",
  "-dash",
  "..dots../...",
]

async function shouldKeepUnusualKeys({ source, put }: Origin) {
  for (const key of UNUSUAL_KEYS) await put(key, new TextEncoder().encode(key))
  for (const key of UNUSUAL_KEYS) {
    expect(await source.head(key)).toMatchObject({ key })
    expect(new TextDecoder().decode(await bytesAt(source, key))).toBe(key)
    expect(await keysIn(source, key)).toEqual([key])
  }
  expect(await keysIn(source)).toEqual(UNUSUAL_KEYS.toSorted(compareKeys))
}

async function shouldListInTheOrderOfUtf8({ source, put }: Origin) {
  // By UTF-16 units the emoji would come before the tilde that is its neighbour here; by folders `a/b` before `a-b`.
  const keys = ["A", "Z/a", "a-b", "a.b", "a/b-c", "a/b/c", "a0", "aB", "z", "é", "～", "😀"]
  for (const key of keys.toReversed()) await put(key, noise(1))
  expect(await keysIn(source)).toEqual(keys)
}

async function shouldListWhatBeginsWithThePrefix({ source, put }: Origin) {
  for (const key of ["7/12/a", "7/12/b/c", "7/120", "7/13", "70", "8"]) await put(key, noise(1))
  expect(await keysIn(source, "7/12")).toEqual(["7/12/a", "7/12/b/c", "7/120"])
  expect(await keysIn(source, "7/12/")).toEqual(["7/12/a", "7/12/b/c"])
  expect(await keysIn(source, "7/12/b/c")).toEqual(["7/12/b/c"])
  expect(await keysIn(source, "9")).toEqual([])
}

async function shouldListMoreThanOnePage({ source, put }: Origin) {
  const keys = Array.from({ length: 1010 }, (_, i) => `${i % 7}/${String(i).padStart(5, "0")}`).toSorted()
  await forEachLimit(keys, 16, (key) => put(key, noise(1)))
  expect(await keysIn(source)).toEqual(keys)
}

async function shouldServeOthersWhenBodiesAreLeft({ source, put }: Origin) {
  await put("large", noise(3_000_000))
  for (let i = 0; i < 40; i++) {
    const { stream } = await source.read("large")
    const reader = stream.getReader()
    await reader.read()
    await reader.cancel()
  }
  expect((await bytesAt(source, "large")).byteLength).toBe(3_000_000)
}

async function shouldStopWhenItsSignalIsAborted({ source, put }: Origin) {
  await put("object", noise(10))
  const signal = AbortSignal.abort()
  await expect(source.head("object", signal)).rejects.toBeInstanceOf(Aborted)
  await expect(source.read("object", {}, signal)).rejects.toBeInstanceOf(Aborted)
  await expect(Array.fromAsync(source.list("", signal))).rejects.toBeInstanceOf(Aborted)
  const reason = new NotFound("an error of ours is thrown as it is", {})
  await expect(source.head("object", AbortSignal.abort(reason))).rejects.toBe(reason)
}

async function shouldBeFoundUsable({ source }: Origin) {
  await source.probe?.()
}
