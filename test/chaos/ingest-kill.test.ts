/** A run that is killed at random moments while it copies and packs, each time resumed by the next. */
import { expect, test } from "bun:test"
import { readdirSync } from "node:fs"
import type { FaultHandle, FaultRule } from "../../lib/demo/cloud/faults.ts"
import { seededRandom } from "../../lib/demo/seed-ids.ts"
import { forEachLimit } from "../../lib/support/pool.ts"
import { rows } from "../support/ledger.ts"
import { testPacs } from "../support/pacs.ts"
import { archive } from "./ingest-archive.ts"
import { expectAllPackedOnce, expectNothingToDo, keysOf } from "./ingest-end-state.ts"
import { type Box, openIngestSite } from "./ingest-site.ts"

const SERIES = 60

/** Hospitals' worth of series that are packed from the beginning, at the same time, and kills amid each of them. */
const BOXES = 4
const KILLS = 25

/** Another one is another hundred moments. */
const SEED = Number(process.env.CHAOS_SEED ?? 20_261_122)

/** Requests that the destination may have answered before a run is killed, at most: so many kills get about half done. */
const MOST_ANSWERED = 130

test("A run that is killed at a hundred random moments ends with every instance packed once", async () => {
  console.log(`ingest kill test: CHAOS_SEED=${SEED}`)
  await using pacs = await testPacs()
  const all = archive({ series: SERIES })
  await pacs.insert(all.rows)
  await using site = await openIngestSite(pacs, all)
  using undisturbed = site.openBox()
  expect((await undisturbed.run("scripts/run.ts")).exitCode).toBe(BROKEN_FILES_TOLD)
  const expectedKeys = keysOf(undisturbed)

  const traces: Traces[] = []
  await forEachLimit(Array(BOXES).keys(), BOXES, async (n) => {
    using box = site.openBox({ settings: { COPY_CONCURRENCY: "1", OBJECTS_IN_FLIGHT: "6" } })
    const random = seededRandom(SEED + n)
    const moments = Array.from({ length: KILLS }, () => momentOf(random))
    traces.push(await killAt(box, moments))

    await box.run("scripts/run.ts")
    await expectNothingToDo(box)
    expect(keysOf(box)).toEqual(expectedKeys)
    await expectAllPackedOnce(box)
  })

  const sum = (count: (trace: Traces) => number) => traces.reduce((total, trace) => total + count(trace), 0)
  const figures = {
    series: BOXES * SERIES,
    kills: sum(({ kills }) => kills),
    crashedRuns: sum(({ crashed }) => crashed),
    openLocks: sum(({ open }) => open),
    ofThoseStanding: sum(({ standing }) => standing),
    ofThoseUnheardOf: sum(({ unheard }) => unheard),
    keptInSpool: sum(({ spooled }) => spooled),
    packedBeforeTheLastRun: sum(({ packed }) => packed),
  }
  console.log(`ingest kill test: ${JSON.stringify(figures)}`)
  // Without these the moments would have been harmless ones.
  expect(figures.kills).toBe(BOXES * KILLS)
  expect(figures.crashedRuns).toBeGreaterThan(figures.kills / 2)
  expect(figures.ofThoseStanding).toBeGreaterThan(figures.kills / 4)
  expect(figures.ofThoseUnheardOf).toBeGreaterThan(0)
  expect(figures.keptInSpool).toBeGreaterThan(0)
  expect(figures.packedBeforeTheLastRun).toBeGreaterThan(0)
}, 240_000)

/** The exit code of a run that met files which no series can hold; the next one has nothing to say of them. */
const BROKEN_FILES_TOLD = 1

interface Moment {
  /** When the destination has answered this many requests, at the latest. */
  readonly answered: number
  /** Sooner, when a request is caught by this. What it holds up takes effect when the process is gone. */
  readonly trap: FaultRule | undefined
}

const stall = { kind: "stall" } as const

/** Where a request is held up: before its effect at the destination, or amid a large body from the origin. */
const TRAPS: readonly (FaultRule | undefined)[] = [
  undefined,
  { operation: "gcs.insert", fault: stall },
  { operation: "gcs.get", fault: stall },
  { operation: "gcs.delete", fault: stall },
  { operation: "gcs.resumable.write", fault: stall },
  { operation: "gcs.media", fault: stall },
]

function momentOf(random: () => number): Moment {
  const below = (limit: number) => Math.floor(random() * limit)
  const rule = TRAPS[below(TRAPS.length)]
  const trap = rule && { ...rule, nth: 1 + below(30), times: 1 + below(4) }
  return { answered: below(MOST_ANSWERED), trap }
}

type Traces = Record<"kills" | "crashed" | "open" | "standing" | "unheard" | "spooled" | "packed", number>

/** Kills runs at these moments, each resumed by the next, and counts what they left. */
async function killAt(box: Box, moments: readonly Moment[]): Promise<Traces> {
  const left = { kills: 0, open: 0, standing: 0, unheard: 0, spooled: 0 }
  for (const moment of moments) {
    await killOne(box, moment)
    const { open, standing, unheard } = locksLeft(box)
    left.kills += 1
    left.open += open
    left.standing += standing
    left.unheard += unheard
    left.spooled += readdirSync(box.spool).length > 0 ? 1 : 0
  }
  return { ...left, ...whatIsDone(box) }
}

async function killOne({ cloud, destination, start }: Box, { answered, trap }: Moment) {
  const caught: FaultHandle | undefined = trap && cloud.fail({ ...trap, bucket: destination })
  const before = cloud.log.count({ bucket: destination })
  await using run = start("scripts/run.ts")
  const ended = run.finished.then(({ exitCode, stderr }) => {
    throw new Error(`ended with ${exitCode} before it could be killed:\n${stderr.slice(-2_000)}`)
  })
  await Promise.race([
    cloud.log.reached({ bucket: destination }, before + answered),
    ...(caught ? [caught.reached()] : []),
    ended,
  ])
  run.kill("SIGKILL")
  await run.finished
  caught?.release()
}

/** Of the locks whose end the ledger does not know. */
function locksLeft(box: Box) {
  using ledger = box.openLedger()
  const open = rows<{ isHeard: 0 | 1 }>(
    ledger,
    "select generations is not null as isHeard from cod_locks where ended_at is null",
  )
  const standing = box.cloud.keys(box.destination).filter((key) => key.endsWith(".gradient.lock"))
  return {
    open: open.length,
    standing: standing.length,
    unheard: open.filter(({ isHeard }) => isHeard === 0).length,
  }
}

/** What the kills let pass, before the last run tidies up. */
function whatIsDone(box: Box) {
  using ledger = box.openLedger()
  const count = (sql: string) =>
    rows<{ count: number }>(ledger, `select count(*) as count from ${sql}`)[0]!.count
  return {
    crashed: count("runs where outcome = 'crashed'"),
    packed: count("cod_series where state = 'packed'"),
  }
}
