import { describe, expect, test } from "bun:test"
import {
  CODObject,
  type CODObjectOptions,
  CorruptInstanceError,
  FrameNotFoundError,
  InstanceNotFoundError,
  SeriesBeingRewritten,
} from "../../lib/cod/index.ts"
import { openFileStore } from "../../lib/storage/file.ts"
import type { ObjectSource } from "../../lib/storage/store.ts"
import type { Clock } from "../../lib/support/clock.ts"
import { failureOf } from "../contract/bodies.ts"
import { type GoldenCase, goldenCase } from "../support/golden.ts"
import { tempDir } from "../support/temp.ts"
import { changedSeries } from "./changed-series.ts"
import { sha256 } from "./golden-series.ts"
import { type WatchedCall, watched } from "./watched.ts"

// Two series under the same UIDs: what stands there, and what somebody makes of it.
const BEFORE = goldenCase("several-instances")
const AFTER = goldenCase("multiframe-native")
const PLACE = { studyUid: BEFORE.expected.study_uid, seriesUid: BEFORE.expected.series_uid }
const ROOT = `studies/${PLACE.studyUid}/series/${PLACE.seriesUid}`
const LOCK = `${ROOT}/.gradient.lock`

type Part = "tar" | "metadata"

function bytesOf(golden: GoldenCase, part: Part): Uint8Array {
  const ending = part === "tar" ? ".tar" : "/metadata.json"
  return golden.bytes(golden.keys.find((key) => key.endsWith(ending))!)
}

/** A folder with a series that others write while it is read. */
async function contested(before: (call: WatchedCall, earlier: readonly WatchedCall[]) => unknown = () => {}) {
  const dir = tempDir("rewritten")
  const files = openFileStore(dir.path)
  const keys = { tar: `${ROOT}.tar`, metadata: `${ROOT}/metadata.json` }
  const waits: number[] = []
  const put = async (key: string, bytes: Uint8Array) => {
    const ifGeneration = (await files.head(key))?.generation ?? "absent"
    await files.write(key, bytes, { ifGeneration, contentType: "application/octet-stream" })
  }
  const series = {
    waits,
    /** What somebody does while we wait for the nth time, from 1. */
    whileWaiting: new Map<number, () => Promise<void>>(),
    put: (part: Part, golden: GoldenCase) => put(keys[part], bytesOf(golden, part)),
    putTar: (bytes: Uint8Array) => put(keys.tar, bytes),
    /** The tar with one byte of its first instance changed. */
    async spoil(golden: GoldenCase, key: string) {
      const tar = bytesOf(golden, "tar").slice()
      tar[golden.expected.instances[key]!.start_byte + 200]! ^= 1
      await put(keys.tar, tar)
    },
    remove: async (key: string) => files.delete(key, { ifGeneration: (await files.head(key))!.generation }),
    lock: () => put(LOCK, new Uint8Array(0)),
    release: () => series.remove(LOCK),
    store: watched(files, before),
    open: (options: Partial<CODObjectOptions> = {}) =>
      CODObject.open({ ...PLACE, store: series.store, clock, lock: false, ...options }),
    [Symbol.asyncDispose]: async () => {
      files[Symbol.dispose]()
      dir[Symbol.dispose]()
    },
  }
  const clock: Clock = {
    now: () => new Date(0),
    async delay(ms) {
      waits.push(ms)
      await series.whileWaiting.get(waits.length)?.()
    },
  }
  await series.put("tar", BEFORE)
  await series.put("metadata", BEFORE)
  return series
}

const [KEY] = Object.keys(BEFORE.expected.instances) as [string]
const [NEW_KEY] = Object.keys(AFTER.expected.instances) as [string]
const isTar = ({ verb, key }: WatchedCall) => verb === "read" && key.endsWith(".tar")

async function contentOf(cod: CODObject, key: string): Promise<string> {
  await using view = await cod.openInstance(key)
  return sha256(await view.bytes())
}

describe("bytes that do not fit the metadata", () => {
  test("of a series at rest are a corrupt instance, at once", async () => {
    await using series = await contested()
    await series.spoil(BEFORE, KEY)
    await using cod = await series.open()
    const error = await failureOf(cod.openInstance(KEY))
    expect(error).toBeInstanceOf(CorruptInstanceError)
    expect((error as CorruptInstanceError).verdict).toBe("give-up")
    expect(series.waits).toEqual([])
  })

  test("leave the other instances of the series alone", async () => {
    await using series = await contested()
    await series.spoil(BEFORE, KEY)
    await using cod = await series.open()
    for (const [key, { sha256 }] of Object.entries(BEFORE.expected.instances)) {
      if (key !== KEY) expect(await contentOf(cod, key)).toBe(sha256)
    }
  })

  test("of a tar that ends too early are a corrupt instance", async () => {
    await using series = await contested()
    const { start_byte, size } = BEFORE.expected.instances[KEY]!
    for (const end of [start_byte, start_byte + size - 1]) {
      await series.putTar(bytesOf(BEFORE, "tar").subarray(0, end))
      await using cod = await series.open()
      expect(await failureOf(cod.openInstance(KEY))).toBeInstanceOf(CorruptInstanceError)
    }
    expect(series.waits).toEqual([])
  })

  test("because there is no tar are a corrupt instance", async () => {
    await using series = await contested()
    await series.remove(`${ROOT}.tar`)
    await using cod = await series.open()
    expect(await failureOf(cod.openInstance(KEY))).toBeInstanceOf(CorruptInstanceError)
    expect(series.waits).toEqual([])
  })
})

describe("a series that was rewritten", () => {
  test("since it was opened is read by its new metadata, without waiting", async () => {
    await using series = await contested()
    await using cod = await series.open()
    await series.put("tar", AFTER)
    await series.put("metadata", AFTER)
    expect(await failureOf(cod.openInstance(KEY))).toBeInstanceOf(InstanceNotFoundError)
    expect(await contentOf(cod, NEW_KEY)).toBe(AFTER.expected.instances[NEW_KEY]!.sha256)
    expect(series.waits).toEqual([])
  })

  test("while its tar was read is read once more", async () => {
    await using series = await contested(async (call, earlier) => {
      if (isTar(call) && !earlier.some(isTar)) await series.spoil(BEFORE, KEY)
      if (call.verb === "head" && !earlier.some(({ verb }) => verb === "head"))
        await series.put("tar", BEFORE)
    })
    await using cod = await series.open()
    expect(await contentOf(cod, KEY)).toBe(BEFORE.expected.instances[KEY]!.sha256)
    expect(series.waits).toEqual([])
    expect(cod.metrics.snapshot()).toMatchObject({ misfits: 1, reloads: 1, tarMetadataCrc32cMismatch: 0 })
  })

  test("by one who uploads metadata before the tar is waited for as long as the lock is there", async () => {
    await using series = await contested()
    await series.lock()
    await series.put("metadata", AFTER)
    series.whileWaiting.set(3, async () => {
      await series.put("tar", AFTER)
      await series.release()
    })
    await using cod = await series.open()
    expect(await contentOf(cod, NEW_KEY)).toBe(AFTER.expected.instances[NEW_KEY]!.sha256)
    expect(series.waits).toEqual([250, 500, 1000])
    expect(cod.metrics.snapshot().reloads).toBe(4)
  })

  test("for more than 30 seconds is left, to be read later", async () => {
    await using series = await contested()
    await series.lock()
    await series.put("metadata", AFTER)
    await using cod = await series.open()
    const error = await failureOf(cod.openInstance(NEW_KEY))
    expect(error).toBeInstanceOf(SeriesBeingRewritten)
    expect((error as SeriesBeingRewritten).verdict).toBe("retry")
    expect((error as SeriesBeingRewritten).cause).toBeInstanceOf(CorruptInstanceError)
    expect(series.waits.reduce((sum, ms) => sum + ms)).toBe(30_000)
  })

  test("and left with a lock, but whole, is read like any other", async () => {
    await using series = await contested()
    await series.lock()
    await using cod = await series.open()
    expect(await contentOf(cod, KEY)).toBe(BEFORE.expected.instances[KEY]!.sha256)
    expect(series.waits).toEqual([])
  })

  test("by a writer who released the lock just before we looked is not taken for corrupt", async () => {
    await using series = await contested(async ({ verb, key }, earlier) => {
      const isFirstLook = verb === "head" && !earlier.some((call) => call.verb === "head")
      if (!isFirstLook || !key.includes("lock")) return
      await series.put("tar", AFTER)
      await series.release()
    })
    await series.lock()
    await series.put("metadata", AFTER)
    await using cod = await series.open()
    expect(await contentOf(cod, NEW_KEY)).toBe(AFTER.expected.instances[NEW_KEY]!.sha256)
    expect(series.waits).toEqual([])
  })

  test("for longer than we wait is not waited for twice, until something changes", async () => {
    await using series = await contested()
    await series.spoil(BEFORE, KEY)
    await series.lock()
    await using cod = await series.open()
    expect(await failureOf(cod.openInstance(KEY))).toBeInstanceOf(SeriesBeingRewritten)
    const waited = series.waits.length
    expect(await failureOf(cod.openInstance(KEY))).toBeInstanceOf(SeriesBeingRewritten)
    expect(series.waits).toHaveLength(waited)
    await series.spoil(BEFORE, KEY)
    series.whileWaiting.set(waited + 1, () => series.put("tar", BEFORE))
    expect(await contentOf(cod, KEY)).toBe(BEFORE.expected.instances[KEY]!.sha256)
    expect(series.waits).toHaveLength(waited + 1)
  })

  test("while it is pulled leaves nobody with the bytes of another instance", async () => {
    await using series = await contested()
    const store: ObjectSource = {
      ...series.store,
      async read(key, options, signal) {
        const body = await series.store.read(key, options, signal)
        if (!key.endsWith(".tar") || options?.range !== undefined) return body
        const bytes = await new Response(body.stream).bytes()
        await series.put("tar", AFTER)
        await series.put("metadata", AFTER)
        await cod.reload()
        return { ...body, stream: new Blob([bytes]).stream() }
      },
    }
    await using cod = await series.open({ store })
    const old = await cod.getInstance(KEY)
    await cod.pullTar()
    expect(await contentOf(cod, NEW_KEY)).toBe(AFTER.expected.instances[NEW_KEY]!.sha256)
    await using view = await old.open().catch(() => undefined)
    if (view !== undefined) expect(sha256(await view.bytes())).toBe(BEFORE.expected.instances[KEY]!.sha256)
  })

  test("is pulled once as long as it stays what it is, also by many at once", async () => {
    await using series = await contested()
    await using cod = await series.open()
    const [path, same] = await Promise.all([cod.pullTar(), cod.pullTar()])
    expect([same, await cod.pullTar()]).toEqual([path, path])
    expect(series.store.reads(".tar")).toHaveLength(1)
    await series.put("tar", AFTER)
    await series.put("metadata", AFTER)
    await cod.reload()
    expect(await cod.pullTar()).not.toBe(path)
    expect(await contentOf(cod, NEW_KEY)).toBe(AFTER.expected.instances[NEW_KEY]!.sha256)
  })

  test("by one who put another file in an instance's place tells of that file once it was read", async () => {
    await using series = await changedSeries(BEFORE)
    await using cod = await series.open()
    const [other] = Object.keys(BEFORE.expected.instances).slice(1) as [string]
    const instance = await cod.getInstance(KEY)
    await series.changeMetadata(({ cod: { instances } }) => {
      instances[KEY] = instances[other]!
    })
    await series.changeTar((tar) => {
      tar[BEFORE.expected.instances[KEY]!.start_byte + 200]! ^= 1
      return tar
    })
    await using view = await instance.open()
    const { size, crc32c, sha256: hash } = BEFORE.expected.instances[other]!
    expect(sha256(await view.bytes())).toBe(hash)
    expect([await instance.size(), await instance.crc32c()]).toEqual([size, crc32c])
    await instance.validate()
  })

  test("is pulled as a whole only when every instance fits", async () => {
    await using series = await contested()
    await series.lock()
    await series.put("metadata", AFTER)
    series.whileWaiting.set(1, () => series.put("tar", AFTER))
    await using cod = await series.open()
    const path = await cod.pullTar()
    expect(sha256(await Bun.file(path).bytes())).toBe(sha256(bytesOf(AFTER, "tar")))
    expect(series.waits).toEqual([250])
  })
})

describe("frames", () => {
  const frame = async (cod: CODObject, key: string, n: number) => {
    await using view = await cod.openFrame(key, n)
    return sha256(await view.bytes())
  }
  const expected = AFTER.expected.instances[NEW_KEY]!

  test("of a tar that was exchanged are not taken from it", async () => {
    await using series = await contested()
    await series.put("tar", AFTER)
    await series.put("metadata", AFTER)
    await using cod = await series.open()
    expect(await frame(cod, NEW_KEY, 1)).toBe(expected.frames_sha256![0]!)
    await series.spoil(AFTER, NEW_KEY)
    const error = await failureOf(cod.openFrame(NEW_KEY, 2))
    expect(error).toBeInstanceOf(CorruptInstanceError)
  })

  test("of a series that is being rewritten are trusted for no instance but that which was checked", async () => {
    await using series = await contested()
    const [first, second] = Object.keys(AFTER.expected.instances) as [string, string]
    await series.lock()
    // The second instance is rewritten: its new bytes are announced, and not there yet.
    await series.put("metadata", AFTER)
    await series.spoil(AFTER, second)
    series.whileWaiting.set(2, async () => {
      await series.put("tar", AFTER)
      await series.release()
    })
    await using cod = await series.open()
    expect(await frame(cod, first, 1)).toBe(AFTER.expected.instances[first]!.frames_sha256![0]!)
    expect(await frame(cod, second, 1)).toBe(AFTER.expected.instances[second]!.frames_sha256![0]!)
    expect(series.waits).toEqual([250, 500])
  })

  test("are not taken from a tar that fitted older metadata", async () => {
    await using series = await changedSeries(AFTER)
    const clock: Clock = { now: () => new Date(0), delay: () => Promise.resolve() }
    await using cod = await series.open({ clock })
    expect(await frame(cod, NEW_KEY, 1)).toBe(expected.frames_sha256![0]!)
    await series.put(`${series.keys.folder}.gradient.lock`, new Uint8Array(0))
    await series.changeMetadata(({ cod }) => {
      cod.instances[NEW_KEY]!.headers.start_byte += 512
    })
    await cod.reload()
    expect(await failureOf(cod.openFrame(NEW_KEY, 1))).toBeInstanceOf(SeriesBeingRewritten)
  })

  test("beyond the last one are not there, neither is frame 0", async () => {
    await using series = await contested()
    await series.put("tar", AFTER)
    await series.put("metadata", AFTER)
    await using cod = await series.open()
    for (const n of [0, -1, 1.5, expected.number_of_frames + 1]) {
      expect(await failureOf(cod.openFrame(NEW_KEY, n))).toBeInstanceOf(FrameNotFoundError)
    }
  })
})
