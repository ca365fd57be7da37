import { afterAll, expect, test } from "bun:test"
import fc from "fast-check"
import { LockAcquisitionError, LocksLeftBehindError } from "../../../lib/cod/errors.ts"
import { acquireLocks } from "../../../lib/cod/locking/acquire.ts"
import { lockBody } from "../../../lib/cod/locking/body.ts"
import { findLocks } from "../../../lib/cod/locking/found.ts"
import { startCloud } from "../../../lib/demo/cloud/server.ts"
import { PreconditionFailed, Unavailable } from "../../../lib/storage/errors.ts"
import { openGcs } from "../../../lib/storage/gcs.ts"
import { withRetry } from "../../../lib/storage/retry.ts"
import type { Clock } from "../../../lib/support/clock.ts"
import { Aborted } from "../../../lib/support/errors.ts"
import { keyIn, type LockSite, placeIn, takeAsPython } from "./sites.ts"
import { type Fate, onlyOneAtATime, unreliable } from "./unreliable.ts"

const cloud = await startCloud({ logEntries: false })
cloud.createBucket("locks")
const bucket = openGcs({ bucket: "locks", emulatorUrl: cloud.url })
afterAll(() => cloud.stop())

/** Somebody who writes a series a few times, if it is let. */
interface Writer {
  readonly lockNames: readonly string[] | "Python"
  readonly rounds: number
  /** Of its calls to the store, one after the other; when they are used up all goes well. */
  readonly fates: readonly Fate[]
  readonly isPatient: boolean
  /** The call to the store during which it is told to stop. */
  readonly stopAt: number | undefined
}

const BOTH = [".cod.lock", ".gradient.lock"]

const NAMES = [BOTH, BOTH.toReversed(), [".cod.lock"], [".gradient.lock"]]

const FATES: readonly Fate[] = ["done", "done", "done", "done", "done", "done", "refused", "lost"]

/** As long as it takes others to take a lock meanwhile. */
const STEPS = 4

const ours = fc.record<Writer>({
  lockNames: fc.constantFrom(...NAMES),
  rounds: fc.integer({ min: 1, max: 3 }),
  fates: fc.array(fc.constantFrom(...FATES), { maxLength: 30 }),
  isPatient: fc.boolean(),
  stopAt: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined, freq: 3 }),
})

/** Its own lock it may lose, which is no rule of ours: to it nothing happens. */
const python = fc.record<Writer>({
  lockNames: fc.constant("Python"),
  rounds: fc.integer({ min: 1, max: 3 }),
  fates: fc.constant([]),
  isPatient: fc.constant(false),
  stopAt: fc.constant(undefined),
})

const writers = fc.array(fc.oneof({ arbitrary: ours, weight: 4 }, { arbitrary: python, weight: 1 }), {
  minLength: 2,
  maxLength: 4,
})

test("No two hold the lock of a series, no lock of others is deleted, and what hangs was announced", async () => {
  let series = 0
  const rule = fc.asyncProperty(fc.scheduler(), writers, async (scheduler, all) => {
    series++
    const place = { ...placeIn(bucket), datastore: `${bucket.uri}/${series}` }
    const turn = (what: string) => scheduler.schedule(Promise.resolve(), what)
    const oneAtATime = onlyOneAtATime()
    const holding = new Set<Writer>()

    const hold = async (writer: Writer, work: () => Promise<unknown>) => {
      holding.add(writer)
      expect([...holding].filter((other) => excludes(writer, other))).toEqual([writer])
      for (let step = 1; step <= STEPS; step++) await work()
      holding.delete(writer)
    }

    const work = all.map(async (writer) => {
      const stop = new AbortController()
      const onCall = (number: number) => number === writer.stopAt && stop.abort()
      const view = unreliable(bucket, { fates: writer.fates, turn, oneAtATime, onCall })
      const site = { store: writer.isPatient ? withRetry(view.store, QUICK) : view.store, place }
      const task = {
        site,
        writer,
        hold: (work: () => Promise<unknown>) => hold(writer, work),
        signal: stop.signal,
      }
      const mayHang = await (writer.lockNames === "Python" ? writeAsPython(task) : write(task))
      return { mayHang, view }
    })

    const ended = await scheduler.waitFor(Promise.all(work))
    expect(ended.flatMap(({ view }) => view.deletedOfOthers)).toEqual([])
    const mayBeLeft = ended.flatMap(({ mayHang, view }) => (mayHang ? [...view.generations] : []))
    for (const { generation } of await findLocks(bucket, place)) expect(mayBeLeft).toContain(generation)
  })
  await fc.assert(rule, { numRuns: 200 })
}, 60_000)

interface Task {
  readonly site: Pick<LockSite, "store" | "place">
  readonly writer: Writer
  /** Does this again and again while it holds the lock. */
  readonly hold: (work: () => Promise<unknown>) => Promise<void>
  readonly signal: AbortSignal
}

/** @returns whether it was told that something may have been left behind */
async function write({ site, writer, hold, signal }: Task): Promise<boolean> {
  let mayHang = false
  const options = { lockNames: writer.lockNames as readonly string[], clock: ENDLESS }
  for (let round = 0; round < writer.rounds; round++) {
    try {
      const lock = await acquireLocks(site.store, site.place, () => lockBody(undefined), options, signal)
      await hold(() => untilDone(() => lock.verify()))
      await untilDone(() => lock.release())
    } catch (error) {
      if (error instanceof LocksLeftBehindError) mayHang = true
      else if (!isExpected(error)) throw error
    }
  }
  return mayHang
}

async function writeAsPython({ site, writer, hold }: Task): Promise<boolean> {
  for (let round = 0; round < writer.rounds; round++) {
    if ((await site.store.head(keyIn(site, ".gradient.lock"))) !== undefined) continue
    const lock = await takeAsPython(site).catch(unlessTaken)
    if (lock === undefined) continue
    await hold(() => site.store.head(lock.key))
    await site.store.delete(lock.key, { ifGeneration: lock.generation })
  }
  return false
}

const QUICK = { retries: 2, minTimeoutMs: 0, maxTimeoutMs: 0 }

/** Whoever waits for an answer after an abort gets it. */
const ENDLESS: Clock = {
  now: () => new Date(),
  delay: (_, signal) =>
    new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
}

/** The Python package does not look for `.cod.lock`. */
function excludes(one: Writer, other: Writer): boolean {
  const [python, ours] = one.lockNames === "Python" ? [one, other] : [other, one]
  return (
    python.lockNames !== "Python" || ours.lockNames === "Python" || ours.lockNames.includes(".gradient.lock")
  )
}

function isExpected(error: unknown): boolean {
  return error instanceof LockAcquisitionError || error instanceof Unavailable || error instanceof Aborted
}

function unlessTaken(error: unknown): undefined {
  if (!(error instanceof PreconditionFailed)) throw error
}

async function untilDone(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    await untilDone(work)
  }
}
