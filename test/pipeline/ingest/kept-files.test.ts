import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import fc from "fast-check"
import type { Incoming } from "../../../lib/pipeline/copy/incoming.ts"
import { type KeptFiles, keptFiles } from "../../../lib/pipeline/ingest/kept-files.ts"
import { type Clock, systemClock } from "../../../lib/support/clock.ts"
import { openSpool, type Spool, type SpoolPlace } from "../../../lib/transfer/spool.ts"
import { tempDir } from "../../support/temp.ts"

const CAPACITY = 100
const CRC = "AAAAAA=="

/** By this clock nobody ever looks by himself whether there is room. */
const neverLooks: Clock = {
  now: systemClock.now,
  delay: (_ms, signal) =>
    new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
}

interface Bench extends Disposable {
  readonly spool: Spool
  readonly kept: KeptFiles
  /** Bytes in the spool. */
  held(): number
  files(): string[]
}

function bench(): Bench {
  const temp = tempDir("kept")
  const dir = temp.file("tmp")
  const spool = openSpool({ dir, capacity: CAPACITY, clock: neverLooks })
  const kept = keptFiles(spool)
  const files = () => readdirSync(dir)
  return {
    spool,
    kept,
    files,
    held: () => files().reduce((sum, name) => sum + readFileSync(`${dir}/${name}`).length, 0),
    [Symbol.dispose]() {
      kept[Symbol.dispose]()
      expect(files()).toEqual([])
      spool[Symbol.dispose]()
      temp[Symbol.dispose]()
    },
  }
}

/** A body in memory. */
function small(bytes: number, text = "x"): Incoming {
  const body = Buffer.from(text.repeat(bytes))
  return { body, size: bytes, checksums: {}, sourceUri: "s3://origin/k", [Symbol.dispose]() {} }
}

/** A body in a file of the spool. */
function large(place: SpoolPlace | undefined, bytes: number): Incoming {
  if (place === undefined) throw new Error("there is no room")
  writeFileSync(place.path, "y".repeat(bytes))
  const { [Symbol.dispose]: dispose, path } = place
  return {
    body: Bun.file(path),
    size: bytes,
    checksums: {},
    sourceUri: "s3://origin/k",
    [Symbol.dispose]: dispose,
  }
}

const no = (studyId: string, position = 2) => ({ studyId, position })

/** What is kept of a file; nobody holds it afterwards. */
function textOf({ kept }: Bench, studyId: string, position = 2): string | undefined {
  using file = kept.use(no(studyId, position), CRC)
  return file && readFileSync(file.path, "utf8")
}

describe("A file that is kept", () => {
  test("is where it arrived in the spool, or is put there", async () => {
    using b = bench()
    const place = b.spool.tryPlace("aa", 5)
    await b.kept.keep(no("a"), CRC, large(place, 5))
    await b.kept.keep(no("a", 3), CRC, small(4))
    expect(textOf(b, "a")).toBe("yyyyy")
    expect(textOf(b, "a", 3)).toBe("xxxx")
    using file = b.kept.use(no("a"), CRC)
    expect(file?.path).toBe(place!.path)
  })

  test("is of just these bytes, and of one study and position", async () => {
    using b = bench()
    await b.kept.keep(no("a"), CRC, small(4))
    expect(b.kept.use(no("a"), "AAAAAQ==")).toBeUndefined()
    expect(b.kept.use(no("a", 3), CRC)).toBeUndefined()
    expect(b.kept.use(no("b"), CRC)).toBeUndefined()
    expect(b.files()).toHaveLength(1)
  })

  test("gives way to another of the same study and position", async () => {
    using b = bench()
    await b.kept.keep(no("a"), CRC, small(60, "1"))
    await b.kept.keep(no("a"), CRC, small(40, "2"))
    expect(textOf(b, "a")).toBe("2".repeat(40))
    expect(b.held()).toBe(40)
  })

  test("goes when its study was packed, and only then", async () => {
    using b = bench()
    await b.kept.keep(no("a"), CRC, small(10))
    await b.kept.keep(no("b"), CRC, small(10))
    const first = b.kept.packing("a")
    const second = b.kept.packing("a")
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    expect(textOf(b, "a")).toBeDefined()
    second[Symbol.dispose]()
    expect(textOf(b, "a")).toBeUndefined()
    expect(textOf(b, "b")).toBeDefined()
    expect(b.held()).toBe(10)
  })

  test("stays until nobody uses it any more, also when its study was packed meanwhile", async () => {
    using b = bench()
    await b.kept.keep(no("a"), CRC, small(10))
    const packing = b.kept.packing("a")
    const file = b.kept.use(no("a"), CRC)!
    const same = b.kept.use(no("a"), CRC)!
    packing[Symbol.dispose]()
    expect(b.kept.use(no("a"), CRC)).toBeUndefined()
    file[Symbol.dispose]()
    file[Symbol.dispose]()
    expect(readFileSync(same.path, "utf8")).toHaveLength(10)
    same[Symbol.dispose]()
    expect(b.files()).toEqual([])
  })
})

describe("A body for which there is no room", () => {
  test("is not kept, and neither is one that cannot be written", async () => {
    using b = bench()
    using _held = b.spool.tryPlace("aa", 95)
    await b.kept.keep(no("a"), CRC, small(6))
    expect(textOf(b, "a")).toBeUndefined()
    const unwritable: Spool = { ...b.spool, spare: () => ({ path: "/dev/full/x", clear() {}, ...given }) }
    let isGivenBack = false
    const given = {
      [Symbol.dispose]: () => {
        isGivenBack = true
      },
    }
    using kept = keptFiles(unwritable)
    await kept.keep(no("a"), CRC, small(1))
    expect(kept.use(no("a"), CRC)).toBeUndefined()
    expect(isGivenBack).toBe(true)
  })

  test("does not push out another one", async () => {
    using b = bench()
    await b.kept.keep(no("a"), CRC, small(60))
    await b.kept.keep(no("b"), CRC, small(60))
    expect([textOf(b, "a") !== undefined, textOf(b, "b")]).toEqual([true, undefined])
  })

  test("is not kept after the end", async () => {
    using b = bench()
    b.kept[Symbol.dispose]()
    await b.kept.keep(no("a"), CRC, large(b.spool.tryPlace("aa", 10), 10))
    await b.kept.keep(no("a", 3), CRC, small(10))
    expect(b.files()).toEqual([])
  })
})

describe("Who needs room", () => {
  test("gets that of the study that came first, and no more than he needs", async () => {
    using b = bench()
    for (const study of ["a", "b", "c"]) await b.kept.keep(no(study), CRC, small(30))
    await b.kept.keep(no("a", 3), CRC, small(10))
    using place = b.spool.tryPlace("aa", 35)
    expect(place).toBeDefined()
    expect(["a", "b", "c"].map((study) => textOf(b, study) !== undefined)).toEqual([false, true, true])
    expect(textOf(b, "a", 3)).toBeUndefined()
    expect(b.held()).toBe(60)
  })

  test("waits for what is being packed, whose room then is his", async () => {
    using b = bench()
    await b.kept.keep(no("a"), CRC, small(50))
    await b.kept.keep(no("b"), CRC, small(50))
    const packing = b.kept.packing("b")
    const waiting = b.spool.place("aa", 50)
    let isServed = false
    void waiting.then(() => {
      isServed = true
    })
    await Bun.sleep(0)
    expect([isServed, b.held()]).toEqual([false, 100])
    packing[Symbol.dispose]()
    using _place = await waiting
    expect(textOf(b, "a")).toBeDefined()
  })

  test("does not wait for the packing of a study that has nothing here", async () => {
    using b = bench()
    await b.kept.keep(no("a"), CRC, small(100))
    using _packing = b.kept.packing("b")
    using _place = await b.spool.place("aa", 50)
    expect(textOf(b, "a")).toBeUndefined()
  })

  test("waits for a file that is in use and will go then, rather than take another's room", async () => {
    using b = bench()
    await b.kept.keep(no("a"), CRC, small(60))
    await b.kept.keep(no("b"), CRC, small(40))
    const packing = b.kept.packing("a")
    const file = b.kept.use(no("a"), CRC)!
    packing[Symbol.dispose]()
    const waiting = b.spool.place("aa", 50)
    await Bun.sleep(0)
    expect(readFileSync(file.path, "utf8")).toHaveLength(60)
    file[Symbol.dispose]()
    using _place = await waiting
    expect(textOf(b, "b")).toBeDefined()
  })

  test("gets the room of a body that is kept while he waits", async () => {
    using b = bench()
    const arriving = large(b.spool.tryPlace("aa", 60), 60)
    const waiting = b.spool.place("bb", 50)
    await Bun.sleep(0)
    await b.kept.keep(no("a"), CRC, arriving)
    using _place = await waiting
    expect(textOf(b, "a")).toBeUndefined()
  })

  test("gets all of it for a body larger than the spool", async () => {
    using b = bench()
    for (const study of ["a", "b", "c"]) await b.kept.keep(no(study), CRC, small(30))
    using place = await b.spool.place("aa", 1000)
    expect(place).toBeDefined()
    expect(b.files()).toEqual([])
  })
})

const study = fc.constantFrom("a", "b", "c")
const position = fc.nat({ max: 2 })
const step = fc.oneof(
  fc.record({
    does: fc.constant("small" as const),
    study,
    position,
    amount: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({
    does: fc.constant("large" as const),
    study,
    position,
    amount: fc.integer({ min: 1, max: 130 }),
  }),
  fc.record({ does: fc.constant("pack" as const), study, position, amount: fc.nat({ max: 3 }) }),
)
const steps = fc.array(step, { maxLength: 30 })
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** Does all of it at once, and ends when all of it has ended. */
async function perform(
  b: Pick<Bench, "spool" | "kept">,
  steps: readonly Step[],
  look: (lone: number) => void,
) {
  let lone = CAPACITY
  const one = async ({ does, study, position, amount }: Step) => {
    if (does === "small") await b.kept.keep(no(study, position), CRC, small(amount))
    else if (does === "large") {
      const incoming = large(await b.spool.place("aa", amount), amount)
      lone = Math.max(lone, amount)
      look(lone)
      await Bun.sleep(0)
      await b.kept.keep(no(study, position), CRC, incoming)
    } else {
      using _packing = b.kept.packing(study)
      using file = b.kept.use(no(study, position), CRC)
      for (let turns = 0; turns < amount; turns += 1) await Bun.sleep(0)
      if (file !== undefined) expect(readFileSync(file.path).length).toBeGreaterThan(0)
    }
    look(lone)
  }
  await Promise.all(steps.map(one))
}

test("Whatever is kept, packed and waited for, there is never more than there is room for, and nobody waits for ever", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      using b = bench()
      await perform(b, steps, (lone) => expect(b.held()).toBeLessThanOrEqual(lone))
    }),
    { numRuns: 100 },
  )
})

test("Two that share a folder keep nobody waiting for ever either", async () => {
  const looksOften: Clock = { ...systemClock, delay: (_ms, signal) => systemClock.delay(1, signal) }
  await fc.assert(
    fc.asyncProperty(steps, steps, async (ones, others) => {
      using temp = tempDir("kept")
      const dir = temp.file("tmp")
      const spools = [1, 2].map(() => openSpool({ dir, capacity: CAPACITY, clock: looksOften }))
      const run = async (spool: Spool, steps: readonly Step[]) => {
        using kept = keptFiles(spool)
        await perform({ spool, kept }, steps, () => {})
      }
      await Promise.all([run(spools[0]!, ones), run(spools[1]!, others)])
      expect(readdirSync(dir)).toEqual([])
      for (const spool of spools) spool[Symbol.dispose]()
    }),
    { numRuns: 50 },
  )
})
