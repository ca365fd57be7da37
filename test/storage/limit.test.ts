import { afterAll, describe, expect, test } from "bun:test"
import { openFileStore } from "../../lib/storage/file.ts"
import { type Pace, withByteRate } from "../../lib/storage/limit.ts"
import type { ObjectStore } from "../../lib/storage/store.ts"
import { Aborted } from "../../lib/support/errors.ts"
import { receive } from "../../lib/transfer/receive.ts"
import { openSpool } from "../../lib/transfer/spool.ts"
import { bytesAt, failureOf, noise } from "../contract/bodies.ts"
import { READING } from "../contract/reading.ts"
import { asOrigin, keeps } from "../contract/subject.ts"
import { bytesOf } from "../support/receiving.ts"
import { tempDir } from "../support/temp.ts"

const dir = tempDir("limit")
const store = openFileStore(dir.file("store"))
afterAll(() => {
  store[Symbol.dispose]()
  dir[Symbol.dispose]()
})
for (const [key, length] of [
  ["large", 100_000],
  ["other", 100_000],
  ["small", 10],
  ["long", 2_000_000],
] as const)
  await store.write(key, noise(length), { contentType: "text/plain", ifGeneration: "absent" })

/** Time that passes only because somebody waits for it; the longest wait is what has passed in the end. */
function fakePace(): Pace & { passed: number; readonly waits: number[] } {
  const pace = {
    passed: 0,
    waits: [] as number[],
    now: () => pace.passed,
    async wait(ms: number, signal?: AbortSignal) {
      const end = pace.passed + ms
      pace.waits.push(ms)
      await Promise.resolve()
      signal?.throwIfAborted()
      pace.passed = Math.max(pace.passed, end)
    },
  }
  return pace
}

describe("with a limit", () => {
  test("bodies take as long as their bytes need, but for the first second's", async () => {
    const pace = fakePace()
    const source = withByteRate(store, 20_000, pace)
    expect(await bytesAt(source, "large")).toEqual(noise(100_000))
    expect(pace.passed).toBeCloseTo(4_000)
  })

  test("bodies that are read at once share it", async () => {
    const pace = fakePace()
    const source = withByteRate(store, 20_000, pace)
    const bodies = await Promise.all([bytesAt(source, "large"), bytesAt(source, "other")])
    expect(bodies).toEqual([noise(100_000), noise(100_000)])
    expect(pace.passed).toBeCloseTo(9_000)
  })

  test("what was not used is kept for one second, no longer", async () => {
    const pace = fakePace()
    const source = withByteRate(store, 20_000, pace)
    await bytesAt(source, "large")
    pace.passed += 3_600_000
    const before = pace.passed
    await bytesAt(source, "large")
    expect(pace.passed - before).toBeCloseTo(4_000)
  })

  test("a part of a body counts as that part, and what is asked about objects as nothing", async () => {
    const pace = fakePace()
    const source = withByteRate(store, 1_000, pace)
    await bytesAt(source, "large", { range: { start: 98_000 } })
    expect(pace.passed).toBeCloseTo(1_000)
    await source.head("large")
    await Array.fromAsync(source.list(""))
    await bytesAt(source, "small")
    expect(pace.passed).toBeCloseTo(1_010)
  })

  test("bytes come in pieces so small that many bodies at once all advance within a second or so", async () => {
    const pace = fakePace()
    const { stream } = await withByteRate(store, 3_200, pace).read("large")
    const pieces = await Array.fromAsync(stream)
    expect(Math.max(...pieces.map(({ length }) => length))).toBe(100)
    expect(Math.max(...pace.waits)).toBeLessThan(100)
  })

  test("a wait for one's turn ends with the signal, and so does the body behind it", async () => {
    const stop = new AbortController()
    const pace: Pace = {
      now: () => 0,
      wait: async (_, signal) => {
        stop.abort(new Aborted("enough"))
        signal?.throwIfAborted()
      },
    }
    const { source, cancelled } = spied(store)
    const { stream } = await withByteRate(source, 1, pace).read("long", {}, stop.signal)
    expect(await failureOf(new Response(stream).bytes())).toBe(stop.signal.reason)
    expect(await cancelled).toBe(stop.signal.reason)
  })

  test("who cancels a body cancels the store's", async () => {
    const { source, cancelled } = spied(store)
    const { stream } = await withByteRate(source, 1_000_000, fakePace()).read("long")
    const reader = stream.getReader()
    await reader.read()
    await reader.cancel("no more of it")
    expect(await cancelled).toBe("no more of it")
  })

  test.each([
    ["small one", "large", 100_000],
    ["one that goes through the spool", "long", 2_000_000],
  ])("a body that breaks goes on where it was: a %s", async (_, key, size) => {
    using spool = openSpool({ dir: dir.file("tmp"), capacity: 4 << 20 })
    const source = withByteRate(breakingOnce(store), 1_000_000, fakePace())
    const options = { spool, stallMs: 30_000, retry: { retries: 1, minTimeoutMs: 1, maxTimeoutMs: 1 } }
    using received = await receive(source, key, options)
    expect(Buffer.compare(await bytesOf(received), noise(size))).toBe(0)
  })
})

/** What a listing or an inquiry finds does not pass through the limit. */
const OF_BODIES = Object.fromEntries(Object.entries(READING).filter(([name]) => !/List|Usable/.test(name)))

keeps(
  {
    name: "a folder, read with a limit",
    async open() {
      const own = tempDir()
      const folder = openFileStore(own.file("store"))
      const close = async () => {
        folder[Symbol.dispose]()
        own[Symbol.dispose]()
      }
      return { ...asOrigin(withByteRate(folder, 1e9)), [Symbol.asyncDispose]: close }
    },
  },
  OF_BODIES,
)

/** A store that tells with what a body of it was cancelled. */
function spied(inner: ObjectStore) {
  const { promise: cancelled, resolve } = Promise.withResolvers<unknown>()
  const source: ObjectStore = {
    ...inner,
    async read(key, options, signal) {
      const { info, stream } = await inner.read(key, options, signal)
      const reader = stream.getReader()
      return {
        info,
        stream: new ReadableStream<Uint8Array>({
          async pull(controller) {
            const { done, value } = await reader.read()
            if (done) controller.close()
            else controller.enqueue(value)
          },
          async cancel(reason) {
            resolve(reason)
            await reader.cancel(reason)
          },
        }),
      }
    },
  }
  return { source, cancelled }
}

/** Its first body breaks in the middle. */
function breakingOnce(inner: ObjectStore): ObjectStore {
  let isFirst = true
  return {
    ...inner,
    async read(key, options, signal) {
      if (!isFirst) return inner.read(key, options, signal)
      isFirst = false
      const { info, stream } = await inner.read(key, { ...options, range: { start: 0, end: 40_000 } }, signal)
      const breaking = new TransformStream<Uint8Array, Uint8Array>({
        flush() {
          throw new Error("connection reset")
        },
      })
      return { info, stream: stream.pipeThrough(breaking) }
    },
  }
}
