import { afterAll, describe, expect, test } from "bun:test"
import { TooLarge } from "../../lib/cod/errors.ts"
import { CODObject, handleRequest } from "../../lib/cod/index.ts"
import { openForward } from "../../lib/cod/reading/forward.ts"
import { bytesOfRange, pipeObject, wholeObject } from "../../lib/cod/reading/object-bytes.ts"
import { NotFound, PreconditionFailed, Unavailable } from "../../lib/storage/errors.ts"
import { openS3 } from "../../lib/storage/s3.ts"
import type { ObjectSource } from "../../lib/storage/store.ts"
import { Aborted } from "../../lib/support/errors.ts"
import { failureOf, noise } from "../contract/bodies.ts"
import { goldenCase } from "../support/golden.ts"
import { openGolden } from "./golden-bucket.ts"
import { sha256 } from "./golden-series.ts"
import { watched } from "./watched.ts"

const bucket = await openGolden()
afterAll(() => bucket.stop())

const BYTES = noise(300_000)
bucket.cloud.put(bucket.bucket, "object", BYTES)
const object = { source: bucket.store, key: "object" }

/** A store whose bodies break off after so many bytes each; `undefined`: no more. */
function breaking(lengths: (number | undefined)[]): ObjectSource {
  return {
    ...bucket.store,
    async read(key, options, signal) {
      const { info, stream } = await bucket.store.read(key, options, signal)
      const bytes = await new Response(stream).bytes()
      const length = lengths.shift()
      return { info, stream: brokenAfter(bytes, length) }
    },
  }
}

function brokenAfter(bytes: Uint8Array, length: number | undefined): ReadableStream<Uint8Array> {
  const chunks = length === 0 ? [] : [bytes.subarray(0, length)]
  return new ReadableStream(
    {
      pull(controller) {
        const chunk = chunks.shift()
        if (chunk !== undefined) controller.enqueue(chunk)
        else if (length === undefined) controller.close()
        else controller.error(new Error("socket closed"))
      },
    },
    { highWaterMark: 0 },
  )
}

/** As the stream of a connection is: nothing more comes of it, whatever has arrived. */
function endedBy(bytes: Uint8Array, signal: AbortSignal | undefined): ReadableStream<Uint8Array> {
  const chunks = Array.from({ length: 30 }, (_, n) => bytes.subarray(10_000 * n, 10_000 * (n + 1)))
  return new ReadableStream(
    {
      pull(controller) {
        signal?.throwIfAborted()
        const chunk = chunks.shift()
        if (chunk !== undefined) controller.enqueue(chunk)
        else controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

describe("bytes of an object", () => {
  test("are those of the range, cut at the object's end and empty behind it", async () => {
    for (const [start, end] of [
      [0, 10],
      [299_990, 300_010],
      [300_000, 300_001],
      [400_000, 400_010],
      [5, 5],
    ] as const) {
      const { bytes, info } = await bytesOfRange(object, { start, end })
      expect(bytes).toEqual(BYTES.subarray(start, end))
      expect(info.size).toBe(300_000)
    }
  })

  test("go on where a body broke off, in the same generation", async () => {
    const seen = watched(breaking([100_000, 50_000, undefined]))
    const { bytes } = await bytesOfRange({ source: seen, key: "object" }, { start: 1000, end: 250_000 })
    expect(bytes).toEqual(BYTES.subarray(1000, 250_000))
    // At once, then with patience.
    expect(seen.reads().map(({ range }) => range!.start)).toEqual([1000, 1000, 51_000])
    const [first, ...others] = seen.reads().map(({ ifGeneration }) => ifGeneration)
    expect(first).toBeUndefined()
    for (const generation of others) expect(generation).toEqual(expect.any(String))
  })

  test("of a whole object are all there although its body broke off, of the same generation", async () => {
    const seen = watched(breaking([100_000, 50_000, undefined]))
    const { bytes, info } = await wholeObject({ source: seen, key: "object" }, 300_000)
    expect(bytes).toEqual(BYTES)
    const [first, ...others] = seen.reads().map(({ ifGeneration }) => ifGeneration)
    expect([first, ...new Set(others)]).toEqual([undefined, info.generation])
  })

  test("of an object that was exchanged while its body was broken are not put together", async () => {
    const seen = watched(breaking([100_000, undefined]), (_, earlier) => {
      if (earlier.length === 1) bucket.cloud.put(bucket.bucket, "object", BYTES)
    })
    const both = bytesOfRange({ source: seen, key: "object" }, { start: 0, end: 300_000 })
    expect(await failureOf(both)).toBeInstanceOf(PreconditionFailed)
  })

  test("that break off again and again without a byte are given up", async () => {
    const seen = watched(breaking(Array.from({ length: 50 }, () => 0)))
    const none = bytesOfRange({ source: seen, key: "object" }, { start: 0, end: 10 })
    expect(await failureOf(none)).toBeInstanceOf(Unavailable)
    expect(seen.reads()).toHaveLength(7)
  })

  test("are refused beyond a limit", async () => {
    expect(await failureOf(wholeObject(object, 299_999))).toBeInstanceOf(TooLarge)
    expect((await wholeObject(object, 300_000)).bytes.length).toBe(300_000)
  })

  test("whose taker fails are not asked for again", async () => {
    const seen = watched(bucket.store)
    const full = new Error("no room")
    const failing = pipeObject({ source: seen, key: "object" }, {}, () => Promise.reject(full))
    expect(await failureOf(failing)).toBe(full)
    expect(seen.reads()).toHaveLength(1)
  })

  test("of no object are an error, of a range as well", async () => {
    for (const range of [undefined, { start: 5, end: 10 }]) {
      const missing = pipeObject({ source: bucket.store, key: "none" }, range ? { range } : {}, () => {})
      expect(await failureOf(missing)).toBeInstanceOf(NotFound)
    }
  })

  test("end when they are not wanted any more", async () => {
    const stop = new AbortController()
    const stopped = pipeObject(object, {}, () => stop.abort(), stop.signal)
    expect(await failureOf(stopped)).toBeInstanceOf(Aborted)
  })
})

describe("bytes that are read forward", () => {
  const END = 250_000

  async function opened(source: ObjectSource) {
    const { generation } = (await bucket.store.head("object"))!
    const seen = watched(source)
    const bytes = openForward({ source: seen, key: "object" }, generation, { start: 1000, end: END })
    const read = async (start: number, length: number, signal?: AbortSignal) => {
      const target = new Uint8Array(length)
      return target.subarray(0, await bytes.fill(target, start, signal))
    }
    return { read, starts: () => seen.reads().map(({ range }) => range!.start) }
  }

  test("are one request, whatever the pieces, and end where the range does", async () => {
    const { read, starts } = await opened(bucket.store)
    for (let start = 1000; start < END; start += 70_000) {
      expect(await read(start, 70_000)).toEqual(BYTES.subarray(start, Math.min(END, start + 70_000)))
    }
    expect(starts()).toEqual([1000])
  })

  test("are asked for anew where another place is wanted", async () => {
    const { read, starts } = await opened(bucket.store)
    for (const start of [1000, 41_000, 21_000, 61_000, 61_000]) {
      expect(await read(start, 40_000)).toEqual(BYTES.subarray(start, start + 40_000))
    }
    expect(starts()).toEqual([1000, 21_000, 61_000])
  })

  test("are right after a read that failed in the middle of what it wanted", async () => {
    const { read, starts } = await opened(breaking([30_000, 10_000, ...Array.from({ length: 6 }, () => 0)]))
    expect(await read(1000, 20_000)).toEqual(BYTES.subarray(1000, 21_000))
    expect(await failureOf(read(21_000, 50_000))).toBeInstanceOf(Unavailable)
    expect(await read(21_000, 50_000)).toEqual(BYTES.subarray(21_000, 71_000))
    expect(starts().at(-1)).toBe(21_000)
  })

  test("go on under another signal when that of the first read was aborted", async () => {
    const { read } = await opened({
      ...bucket.store,
      async read(key, options, signal) {
        const { info, stream } = await bucket.store.read(key, options, signal)
        const bytes = await new Response(stream).bytes()
        return { info, stream: endedBy(bytes, signal) }
      },
    })
    const stop = new AbortController()
    await read(1000, 20_000, stop.signal)
    stop.abort()
    expect(await read(21_000, 200_000)).toEqual(BYTES.subarray(21_000, 221_000))
  })
})

test("a series in S3 is read like any other", async () => {
  const golden = goldenCase("multiframe-native")
  bucket.put(golden)
  const keys = { accessKeyId: "key", secretAccessKey: "secret", region: "eu-west-1" }
  using store = openS3({
    bucket: bucket.bucket,
    prefix: `archive/${golden.name}`,
    endpoint: bucket.cloud.url,
    ...keys,
  })
  const { study_uid: studyUid, series_uid: seriesUid, instances } = golden.expected
  await using cod = await CODObject.open({ store, studyUid, seriesUid, lock: false })
  for (const [key, expected] of Object.entries(instances)) {
    await using view = await cod.openInstance(key)
    expect(sha256(await view.bytes())).toBe(expected.sha256)
    const frames = (await handleRequest(`${cod.datastoreSeriesUri}/instances/${key}/frames/2`, {
      store,
    })) as Uint8Array[]
    expect(frames.map(sha256)).toEqual([expected.frames_sha256![1]!])
  }
})

test("frames of one instance that are asked for at once share one read of it", async () => {
  const golden = goldenCase("multiframe-native")
  const { store, datastore } = bucket.put(golden)
  const seen = watched(store)
  const { study_uid: studyUid, series_uid: seriesUid, instances } = golden.expected
  await using cod = await CODObject.open({ store: seen, datastore, studyUid, seriesUid, lock: false })
  const [key, { frames_sha256 }] = Object.entries(instances)[0]!
  const views = await Promise.all(frames_sha256!.map((_, i) => cod.openFrame(key, i + 1)))
  expect(await Promise.all(views.map(async (view) => sha256(await view.bytes())))).toEqual([
    ...frames_sha256!,
  ])
  expect(seen.reads(".tar")).toHaveLength(1)
})
