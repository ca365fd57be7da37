import { afterAll, describe, expect, test } from "bun:test"
import { CODObject, MetadataCache, Metrics } from "../../lib/cod/index.ts"
import type { LogEntry } from "../../lib/demo/cloud/log.ts"
import { Unavailable } from "../../lib/storage/errors.ts"
import { failureOf } from "../contract/bodies.ts"
import { goldenCase } from "../support/golden.ts"
import { openGolden } from "./golden-bucket.ts"
import { watched } from "./watched.ts"

const bucket = await openGolden()
afterAll(() => bucket.stop())

const several = goldenCase("several-instances")
const native = goldenCase("multiframe-native")
const place = (golden: typeof several) => ({
  studyUid: golden.expected.study_uid,
  seriesUid: golden.expected.series_uid,
})

function series(golden: typeof several) {
  const { store, datastore } = bucket.put(golden)
  const seen = watched(store)
  return { seen, options: { ...place(golden), datastore, store: seen, lock: false } as const }
}

describe("requests", () => {
  test("one instance of a remote series is one ranged read of exactly its bytes", async () => {
    const { seen, options } = series(several)
    await using cod = await CODObject.open(options)
    expect(seen.calls).toEqual([{ verb: "read", key: expect.stringMatching(/\/metadata\.json$/) }])
    const [key, expected] = Object.entries(several.expected.instances)[3]!
    bucket.cloud.log.clear()
    await using view = await cod.openInstance(key)
    const { start_byte: start, size } = expected
    expect(seen.calls.slice(1)).toEqual([
      { verb: "read", key: expect.stringMatching(/\.tar$/), range: { start, end: start + size } },
    ])
    expect(view.size).toBe(size)
    expect(bucket.cloud.log.entries.map(({ status, bytesOut }: LogEntry) => [status, bytesOut])).toEqual([
      [206, size],
    ])
  })

  test("the bytes that an instance costs are its own and the metadata's", async () => {
    const { options } = series(several)
    const [key, { size }] = Object.entries(several.expected.instances)[0]!
    const metadata = several.keys.find((name) => name.endsWith("metadata.json"))!
    bucket.cloud.log.clear()
    await using cod = await CODObject.open(options)
    await using _ = await cod.openInstance(key)
    expect(bucket.cloud.log.counters.bytesOut).toBe(size + several.expected.objects[metadata]!.size)
  })

  test("once its instance was checked, one frame is one ranged read of that frame", async () => {
    const { seen, options } = series(native)
    await using cod = await CODObject.open(options)
    const [key, expected] = Object.entries(native.expected.instances).find(
      ([, { number_of_frames }]) => number_of_frames === 5,
    )!
    await using _ = await cod.openInstance(key)
    seen.calls.length = 0
    await using frame = await cod.openFrame(key, 2)
    const { CustomOffsetTable: offsets, CustomOffsetTableLengths: lengths } = expected.offset_tables
    const start = expected.start_byte + offsets![1]! - 8
    const end = start + lengths![1]!
    expect(seen.calls).toEqual([
      {
        verb: "read",
        key: expect.stringMatching(/\.tar$/),
        range: { start, end },
        ifGeneration: expect.any(String),
      },
    ])
    expect(frame.size).toBe(lengths![1]!)
  })

  test("frames of the other instances of a series at rest need no more than a look at locks and metadata", async () => {
    const { seen, options } = series(native)
    await using cod = await CODObject.open(options)
    const [first, second] = Object.keys(native.expected.instances)
    await using _ = await cod.openInstance(first!)
    seen.calls.length = 0
    await using one = await cod.openFrame(second!, 1)
    await using two = await cod.openFrame(second!, 2)
    expect(one.size).toBe(two.size)
    expect(seen.calls.map(({ verb }) => verb)).toEqual(["head", "head", "head", "read", "read"])
    expect(seen.reads().map(({ range }) => range!.end! - range!.start)).toEqual([one.size, two.size])
  })

  test("nothing is known of a tar at first: the first frame costs its instance", async () => {
    const { seen, options } = series(native)
    await using cod = await CODObject.open(options)
    const [key, { start_byte: start, size }] = Object.entries(native.expected.instances)[0]!
    await using _ = await cod.openFrame(key, 1)
    expect(seen.reads(".tar").map(({ range }) => range)).toEqual([{ start, end: start + size }])
  })

  test("what metadata tells costs no request", async () => {
    const { seen, options } = series(several)
    await using cod = await CODObject.open(options)
    const instances = await cod.getInstances()
    for (const instance of instances.values()) {
      await instance.metadata()
      await instance.hasPixeldata()
      await instance.size()
      await instance.instanceUid()
    }
    expect(seen.calls).toHaveLength(1)
  })
})

describe("metadata", () => {
  test("is read once per generation by all who share a cache", async () => {
    const { seen, options } = series(several)
    const metadataCache = new MetadataCache()
    for (let i = 0; i < 3; i++) {
      await using cod = await CODObject.open({ ...options, metadataCache })
      expect((await cod.getMetadata()).instances.size).toBe(5)
    }
    expect(seen.calls.map(({ verb }) => verb)).toEqual(["read", "head", "head"])
  })

  test("is counted as read once by all who share a cache, and as known by the others", async () => {
    const { options } = series(several)
    const shared = { ...options, metadataCache: new MetadataCache(), metrics: new Metrics() }
    const open = async () => (await CODObject.open(shared))[Symbol.asyncDispose]()
    await Promise.all([open(), open()])
    await open()
    expect(shared.metrics.snapshot()).toMatchObject({ metadataCacheMisses: 1, metadataCacheHits: 2 })
    bucket.put(several)
    await open()
    expect(shared.metrics.snapshot()).toMatchObject({ metadataCacheMisses: 2, metadataCacheHits: 2 })
  })

  test("is read again when it is another generation", async () => {
    const { seen, options } = series(several)
    const metadataCache = new MetadataCache()
    await using first = await CODObject.open({ ...options, metadataCache })
    bucket.put(several)
    await using second = await CODObject.open({ ...options, metadataCache })
    expect(await second.getMetadata()).not.toBe(await first.getMetadata())
    expect(seen.calls.map(({ verb }) => verb)).toEqual(["read", "head", "read"])
  })

  test("is one read for all who ask at the same time", async () => {
    const { seen, options } = series(several)
    const metadataCache = new MetadataCache()
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        await using cod = await CODObject.open({ ...options, metadataCache })
        expect((await cod.getMetadata()).instances.size).toBe(5)
      }),
    )
    expect(seen.calls).toHaveLength(1)
  })

  test("that could not be read is asked for again", async () => {
    const { options } = series(several)
    let failures = 1
    const store = watched(options.store, () => {
      if (failures-- > 0) throw new Unavailable("down", {})
    })
    const metadataCache = new MetadataCache()
    const open = () => CODObject.open({ ...options, store, metadataCache })
    expect(await failureOf(open())).toBeInstanceOf(Unavailable)
    await using cod = await open()
    expect((await cod.getMetadata()).instances.size).toBe(5)
  })

  test("of one who gives up is still read for the others", async () => {
    const { seen, options } = series(several)
    const metadataCache = new MetadataCache()
    const impatient = new AbortController()
    const gaveUp = failureOf(CODObject.open({ ...options, metadataCache }, impatient.signal))
    const others = CODObject.open({ ...options, metadataCache })
    impatient.abort()
    expect(await gaveUp).toBeInstanceOf(Error)
    await using cod = await others
    expect((await cod.getMetadata()).instances.size).toBe(5)
    expect(seen.calls).toHaveLength(1)
  })

  test("beyond the cache's bytes goes, that of least use first", async () => {
    const sizes = [several, native].map((golden) => {
      const key = golden.keys.find((name) => name.endsWith("metadata.json"))!
      return Bun.gunzipSync(new Uint8Array(golden.bytes(key))).length
    })
    const metadataCache = new MetadataCache({ maxBytes: Math.max(...sizes) })
    const seen = [several, native, several].map(series)
    for (const { options } of seen)
      await (await CODObject.open({ ...options, metadataCache }))[Symbol.asyncDispose]()
    expect(metadataCache.bytes).toBe(sizes[0]!)
    expect(seen.map(({ seen }) => seen.calls.map(({ verb }) => verb))).toEqual([["read"], ["read"], ["read"]])
  })
})
