import { expect, test } from "bun:test"
import { readdirSync } from "node:fs"
import type { FaultHandle, FaultRule } from "../../lib/demo/cloud/faults.ts"
import { seededRandom } from "../../lib/demo/seed-ids.ts"
import { rows } from "../support/ledger.ts"
import { expectAllCopiedOnce } from "./end-state.ts"
import { type Site, startSite } from "./site.ts"

const KILLS = 50
const IN_FLIGHT = 16

/** Another one is another fifty moments. */
const SEED = Number(process.env.CHAOS_SEED ?? 20_260_301)

/** Requests that a copy may have answered before it is killed, at most. Fifty copies get about half done. */
const MOST_ANSWERED = 150

test("A copy that is killed at fifty random moments ends with every object copied once", async () => {
  console.log(`kill test: CHAOS_SEED=${SEED}`)
  await using site = await startSite({
    repeat: 9,
    settings: { COPY_CONCURRENCY: "8", OBJECTS_IN_FLIGHT: String(IN_FLIGHT) },
  })
  const random = seededRandom(SEED)
  await killAt(
    site,
    Array.from({ length: KILLS }, () => momentOf(random)),
  )
  const traces = tracesOf(site)

  const last = await site.run("scripts/run.ts", "--json")

  expect(last.exitCode).toBe(0)
  expectAllCopiedOnce(site)
  expect(site.cloud.log.count({ status: 412 })).toBeLessThanOrEqual(IN_FLIGHT * KILLS)
  // Without these the moments would have been harmless ones.
  expect(traces).toEqual({ crashed: true, interrupted: true, settledByLooking: true, spooled: true })
}, 120_000)

interface Moment {
  /** When this many requests were answered, at the latest. */
  readonly answered: number
  /** Sooner, when a request is caught by this. What it holds up takes effect when the process is gone. */
  readonly trap: FaultRule | undefined
  /** Not before the next process is gone, too: it has done the same in the meantime. */
  readonly late: boolean
}

const stall = { kind: "stall" } as const

/** Where a request is held up: before its effect at the destination, or amid a large body from the origin. */
const TRAPS: readonly (FaultRule | undefined)[] = [
  undefined,
  { operation: "gcs.insert", fault: stall },
  { operation: "gcs.get", fault: stall },
  { operation: "gcs.resumable.open", fault: stall },
  { operation: "gcs.resumable.write", fault: stall },
  { operation: "s3.get", key: "*.dcm", fault: { kind: "cut", bytes: 700_000, end: "stall" } },
]

function momentOf(random: () => number): Moment {
  const below = (limit: number) => Math.floor(random() * limit)
  const rule = TRAPS[below(TRAPS.length)]
  const trap = rule && { ...rule, nth: 1 + below(3), times: 1 + below(4) }
  return { answered: below(MOST_ANSWERED), trap, late: below(2) === 0 }
}

/** Kills copies at these moments, each resumed by the next. */
async function killAt({ cloud, start }: Site, moments: readonly Moment[]) {
  let held: FaultHandle | undefined
  for (const { answered, trap, late } of moments) {
    const caught = trap && cloud.fail(trap)
    const before = cloud.log.counters.requests
    await using copy = start("scripts/copy.ts")
    const ended = copy.finished.then(({ exitCode, stderr }) => {
      throw new Error(`ended with ${exitCode} before it could be killed:\n${stderr.slice(-2_000)}`)
    })
    await Promise.race([
      cloud.log.reached({}, before + answered),
      ...(caught ? [caught.reached()] : []),
      ended,
    ])
    copy.kill("SIGKILL")
    await copy.finished
    held?.release()
    held = late ? caught : undefined
    if (!late) caught?.release()
  }
  held?.release()
}

/** What the kills left behind, before the last run tidies up. */
function tracesOf(site: Site) {
  using ledger = site.openLedger()
  const count = (sql: string) =>
    rows<{ count: number }>(ledger, `select count(*) as count from ${sql}`)[0]!.count
  return {
    crashed: count("runs where outcome = 'crashed'") > KILLS / 2,
    interrupted: count("copy_attempts where outcome = 'interrupted'") > 0,
    settledByLooking: count("copy_attempts where outcome = 'adopted'") > 0,
    spooled: readdirSync(site.spool).length > 0,
  }
}
