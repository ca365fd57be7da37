import { describe, expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import type { Clock } from "../../lib/support/clock.ts"
import { systemClock } from "../../lib/support/clock.ts"
import { Aborted } from "../../lib/support/errors.ts"
import { openSpool, type Spool, type SpoolPlace } from "../../lib/transfer/spool.ts"
import { failureOf } from "../contract/bodies.ts"
import { startChild } from "../support/children.ts"
import { tempDir } from "../support/temp.ts"

const CAPACITY = 100

/** By this clock nobody ever looks by himself whether there is room. */
const neverLooks: Clock = {
  now: systemClock.now,
  delay: (_ms, signal) =>
    new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
}

interface Bench extends Disposable {
  readonly dir: string
  readonly spool: Spool
  files(): string[]
  /** As another process would that finds nothing to do. */
  openAndClose(): void
}

function bench({ clock = neverLooks }: { clock?: Clock } = {}): Bench {
  const temp = tempDir("spool")
  const dir = temp.file("tmp")
  const open = () => openSpool({ dir, capacity: CAPACITY, clock })
  const spool = open()
  return {
    dir,
    spool,
    files: () => readdirSync(dir),
    openAndClose: () => open()[Symbol.dispose](),
    [Symbol.dispose]() {
      spool[Symbol.dispose]()
      temp[Symbol.dispose]()
    },
  }
}

/** A place of so many bytes, with all of them in it. */
function fill(place: SpoolPlace | undefined, bytes: number, text = "x"): SpoolPlace {
  if (place === undefined) throw new Error("there is no room")
  writeFileSync(place.path, text.repeat(bytes))
  return place
}

/** Which of these have been served so far, in the order in which they were. */
function served(waiting: Readonly<Record<string, Promise<SpoolPlace>>>) {
  const order: string[] = []
  const places = new Map<string, SpoolPlace>()
  for (const [name, place] of Object.entries(waiting)) {
    void place.then((granted) => {
      order.push(name)
      places.set(name, granted)
    })
  }
  return {
    /** Once everything has happened that can happen without anything new. */
    async now() {
      await Bun.sleep(0)
      return [...order]
    },
    giveBack: (name: string) => places.get(name)![Symbol.dispose](),
  }
}

describe("A place", () => {
  test("is a path in the folder at which there is nothing yet", () => {
    using b = bench()
    using place = b.spool.tryPlace("aa", 10)
    expect(place?.path.startsWith(`${b.dir}/`)).toBe(true)
    expect(b.files()).toEqual([])
    expect(statSync(b.dir).mode & 0o777).toBe(0o700)
  })

  test("that is given back leaves no file and no book-keeping in the folder", () => {
    using b = bench()
    fill(b.spool.tryPlace("aa", 10), 10)[Symbol.dispose]()
    expect(b.files()).toEqual([])
    expect(existsSync(`${b.dir}.sqlite`)).toBe(true)
  })

  test("that is given back twice is given back once", () => {
    using b = bench()
    const [one, other] = [b.spool.tryPlace("aa", 60), b.spool.tryPlace("bb", 40)]
    one![Symbol.dispose]()
    one![Symbol.dispose]()
    expect(b.spool.tryPlace("cc", 61)).toBeUndefined()
    other![Symbol.dispose]()
    expect(b.spool.tryPlace("cc", 100)).toBeDefined()
  })

  test("that is cleared keeps its room", () => {
    using b = bench()
    const place = fill(b.spool.tryPlace("aa", 60), 60)
    place.clear()
    expect(existsSync(place.path)).toBe(false)
    expect(b.spool.tryPlace("bb", 60)).toBeUndefined()
  })

  test("for the same body twice is two places", () => {
    using b = bench()
    using one = fill(b.spool.tryPlace("aa", 10), 10)
    using other = b.spool.tryPlace("aa", 10)
    expect(other?.path).not.toBe(one.path)
    expect(existsSync(other!.path)).toBe(false)
  })
})

describe("Room", () => {
  test("is all that was given, to the byte", () => {
    using b = bench()
    const first = b.spool.tryPlace("aa", 60)
    expect(b.spool.tryPlace("bb", 41)).toBeUndefined()
    using second = b.spool.tryPlace("cc", 40)
    expect(second).toBeDefined()
    expect(b.spool.tryPlace("dd", 1)).toBeUndefined()
    first![Symbol.dispose]()
    expect(b.spool.tryPlace("dd", 60)).toBeDefined()
  })

  test("wakes who waits for it as soon as it is given back", async () => {
    using b = bench()
    const held = b.spool.tryPlace("aa", 100)
    const waiting = served({ b: b.spool.place("bb", 50), c: b.spool.place("cc", 50) })
    expect(await waiting.now()).toEqual([])
    held![Symbol.dispose]()
    expect(await waiting.now()).toEqual(["b", "c"])
  })

  test("goes to who asked first, although it would be enough for who asked later", async () => {
    using b = bench()
    const held = b.spool.tryPlace("aa", 60)
    const waiting = served({ large: b.spool.place("bb", 80), small: b.spool.place("cc", 10) })
    expect(await waiting.now()).toEqual([])
    expect(b.spool.tryPlace("dd", 10)).toBeUndefined()
    held![Symbol.dispose]()
    expect(await waiting.now()).toEqual(["large", "small"])
  })

  test("is given to a body larger than all of it when it is alone, and then to nobody else", async () => {
    using b = bench()
    const held = b.spool.tryPlace("aa", 1)
    const waiting = served({ huge: b.spool.place("bb", 1_000), small: b.spool.place("cc", 1) })
    expect(await waiting.now()).toEqual([])
    held![Symbol.dispose]()
    expect(await waiting.now()).toEqual(["huge"])
    waiting.giveBack("huge")
    expect(await waiting.now()).toEqual(["huge", "small"])
  })

  test("is not waited for any more by who was told to stop, and those behind move up", async () => {
    using b = bench()
    using _held = b.spool.tryPlace("aa", 60)
    const stop = new AbortController()
    const stopped = b.spool.place("bb", 80, stop.signal)
    const waiting = served({ small: b.spool.place("cc", 10) })
    expect(await waiting.now()).toEqual([])
    const reason = new Aborted("enough")
    stop.abort(reason)
    expect(await failureOf(stopped)).toBe(reason)
    expect(await waiting.now()).toEqual(["small"])
    expect(await failureOf(b.spool.place("dd", 1, stop.signal))).toBe(reason)
  })
})

/** Keeps a place of so many bytes until somebody is short of room. */
function keeping(spool: Spool, bytes: number) {
  const place = fill(spool.spare("ee", bytes), bytes)
  const lacking: number[] = []
  const watch = spool.whenShort((bytes) => {
    lacking.push(bytes)
    if (bytes > 0) place[Symbol.dispose]()
  })
  return { lacking, watch }
}

describe("Room that somebody could do without", () => {
  test("is had at once by who needs it, who says how much he lacks", () => {
    using b = bench()
    using _held = b.spool.tryPlace("aa", 30)
    const { lacking } = keeping(b.spool, 60)
    expect(b.spool.tryPlace("bb", 50)).toBeDefined()
    expect(lacking).toEqual([40])
    expect(b.files()).toEqual([])
  })

  test("is left alone as long as there is other room", () => {
    using b = bench()
    const { lacking } = keeping(b.spool, 60)
    expect(b.spool.tryPlace("bb", 40)).toBeDefined()
    expect(lacking).toEqual([])
  })

  test("is not given up for who could do without it himself", () => {
    using b = bench()
    const { lacking } = keeping(b.spool, 60)
    expect(b.spool.spare("bb", 50)).toBeUndefined()
    expect(lacking).toEqual([])
  })

  test("wakes who waits for it", async () => {
    using b = bench()
    const held = b.spool.tryPlace("aa", 40)
    keeping(b.spool, 60)
    const waiting = served({ large: b.spool.place("bb", 100) })
    expect(await waiting.now()).toEqual([])
    expect(b.files()).toEqual([])
    held![Symbol.dispose]()
    expect(await waiting.now()).toEqual(["large"])
  })

  test("is asked for on behalf of who waits first, not of those behind", async () => {
    using b = bench()
    const held = b.spool.tryPlace("aa", 30)
    const waiting = { large: b.spool.place("bb", 90), small: b.spool.place("cc", 1) }
    const order = served(waiting)
    const lacking: number[] = []
    b.spool.whenShort((bytes) => lacking.push(bytes))
    b.spool.askAgain()
    expect(await order.now()).toEqual([])
    expect(lacking).toEqual([20, 20])
    held![Symbol.dispose]()
    expect(await order.now()).toEqual(["large", "small"])
  })

  test("is asked for again when it is said to be there", async () => {
    using b = bench()
    const held = b.spool.tryPlace("aa", 100)
    const waiting = served({ b: b.spool.place("bb", 10) })
    expect(await waiting.now()).toEqual([])
    b.spool.whenShort(() => held![Symbol.dispose]())
    expect(await waiting.now()).toEqual([])
    b.spool.askAgain()
    expect(await waiting.now()).toEqual(["b"])
  })

  test("is nobody's business any more when the keeper is gone", () => {
    using b = bench()
    const { lacking, watch } = keeping(b.spool, 60)
    watch[Symbol.dispose]()
    expect(b.spool.tryPlace("bb", 50)).toBeUndefined()
    expect(lacking).toEqual([])
  })
})

describe("Processes that share a spool", () => {
  const CHILD = "test/transfer/spool-child.ts"
  const hold = (dir: string, identity: string, bytes: number) =>
    startChild([CHILD, dir, `${CAPACITY}`, "hold", identity, `${bytes}`], "holds it")

  test("share its room: one waits until the other gives back", async () => {
    using b = bench({ clock: systemClock })
    await using child = await hold(b.dir, "aa", 60)
    expect(b.spool.tryPlace("bb", 50)).toBeUndefined()
    const waiting = b.spool.place("bb", 50)
    expect(b.files()).toHaveLength(1)
    await child.go()
    using place = await waiting
    expect(place).toBeDefined()
    await child.output()
    expect(b.files()).toEqual([])
  })

  test("never have more in it than it holds, and leave nothing", async () => {
    using b = bench({ clock: systemClock })
    const started = [1, 2, 3].map(() => startChild([CHILD, b.dir, `${CAPACITY}`, "share", "60"], "ready"))
    const children = await Promise.all(started)
    await Promise.all(children.map((child) => child.go()))
    const most = await Promise.all(children.map(async (child) => Number(await child.output())))
    expect(Math.max(...most)).toBeGreaterThan(60)
    expect(Math.max(...most)).toBeLessThanOrEqual(CAPACITY)
    expect(b.files()).toEqual([])
  })

  test("leave the files of a living one alone, also when they want the same body", async () => {
    using b = bench()
    await using child = await hold(b.dir, "aa", 10)
    using own = b.spool.tryPlace("aa", 10)
    expect(existsSync(own!.path)).toBe(false)
    b.openAndClose()
    expect(b.files()).toHaveLength(1)
    await child.go()
    await child.output()
  })

  test("have the room of one that was killed at once", async () => {
    using b = bench()
    const child = await hold(b.dir, "aa", 100)
    expect(b.spool.tryPlace("bb", 10)).toBeUndefined()
    await child.kill()
    expect(b.spool.tryPlace("bb", 10)).toBeDefined()
  })

  test("take over what one that was killed had of the same body", async () => {
    using b = bench()
    await (await hold(b.dir, "aa", 40)).kill()
    using other = b.spool.tryPlace("bb", 40)
    expect(existsSync(other!.path)).toBe(false)
    using place = b.spool.tryPlace("aa", 40)
    expect(readFileSync(place!.path, "utf8")).toBe("x".repeat(40))
    expect(b.files()).toHaveLength(1)
  })

  test("take over the longest of several beginnings", () => {
    using b = bench()
    for (const bytes of [20, 40, 30]) writeFileSync(`${b.dir}/9${bytes}.aa`, "x".repeat(bytes))
    using place = b.spool.tryPlace("aa", 40)
    expect(statSync(place!.path).size).toBe(40)
  })

  test("remove what nobody can use any more when room is short", async () => {
    using b = bench()
    await (await hold(b.dir, "aa", 60)).kill()
    using _small = b.spool.tryPlace("bb", 40)
    expect(b.files()).toHaveLength(1)
    using _large = b.spool.tryPlace("cc", 41)
    expect(b.files()).toEqual([])
  })

  test("remove what nobody has used when they end", async () => {
    using b = bench()
    await (await hold(b.dir, "aa", 60)).kill()
    expect(b.files()).toHaveLength(1)
    b.openAndClose()
    expect(b.files()).toEqual([])
  })

  test("each give up their own when one of them waits, or both", async () => {
    using b = bench({ clock: systemClock })
    using other = openSpool({ dir: b.dir, capacity: CAPACITY })
    keeping(b.spool, 50)
    keeping(other, 50)
    const places = await Promise.all([b.spool.place("aa", 50), other.place("bb", 50)])
    expect(b.files()).toEqual([])
    for (const place of places) place[Symbol.dispose]()
    using _all = b.spool.tryPlace("cc", CAPACITY)
    expect(_all).toBeDefined()
  })

  test("keep their books from other users", () => {
    using b = bench()
    expect(statSync(`${b.dir}.sqlite`).mode & 0o777).toBe(0o600)
  })

  test("leave alone what is not theirs", () => {
    using b = bench()
    writeFileSync(`${b.dir}/notes.txt`, "mine")
    b.openAndClose()
    expect(b.files()).toEqual(["notes.txt"])
  })
})
