import type { CronTimes } from "../support/cron.ts"
import type { Stop } from "../support/stop.ts"
import { catchUpOf } from "./catch-up.ts"
import { type FiringDeps, type Firings, type FiringTotals, openFirings } from "./firings.ts"
import { everyHour, reached } from "./waiting.ts"

/** The ledger's clock is the scheduler's. */
export interface ScheduleDeps extends FiringDeps {
  readonly times: CronTimes
  /** Backs the ledger up unless that was done today. */
  readonly backup: () => Promise<unknown>
}

export interface ScheduleOptions {
  /** Makes up for what was missed, once, before anything else. */
  readonly catchUp: boolean
}

/**
 * Fires whenever it is time, until it is asked to stop; then it waits for what is under way. A firing never waits: what
 * it does while a run lasts is in `openFirings`.
 */
export async function schedule(
  deps: ScheduleDeps,
  { catchUp }: ScheduleOptions,
  stop: Stop,
): Promise<FiringTotals> {
  const { ledger, runId, times } = deps
  const firings = openFirings(deps, stop)
  const missed = catchUp ? catchUpOf(ledger, times, runId) : undefined
  if (missed !== undefined) firings.fire(missed)
  // A backup that failed is tried again within the day.
  const backups = everyHour(() => backUp(deps, stop), ledger.clock, stop.requested)
  await fireOnTime(deps, firings, stop)
  await backups
  return await firings.ended()
}

async function fireOnTime({ ledger, times, log }: ScheduleDeps, { fire }: Firings, stop: Stop) {
  const { clock } = ledger
  for (let last = clock.now(); ; ) {
    const dueAt = times.next(last)
    if (dueAt === undefined) return
    log.info({ due: dueAt.toISOString() }, "waiting for the next run")
    if (!(await reached(clock, dueAt, stop.requested))) return
    fire({ reason: "due", dueAt })
    // Not `dueAt`: what a box slept through is made up for by one run.
    last = clock.now()
  }
}

async function backUp({ backup, log, report }: ScheduleDeps, stop: Stop) {
  try {
    await backup()
  } catch (error) {
    if (stop.requested.aborted) return
    log.error({ err: error }, "the ledger could not be backed up; tried again in an hour")
    await report(error)
  }
}

/** Fires now and waits for its end. */
export async function scheduleOnce(deps: FiringDeps, stop: Stop): Promise<FiringTotals> {
  const firings = openFirings(deps, stop)
  firings.fire({ reason: "asked", dueAt: deps.ledger.clock.now() })
  return await firings.ended()
}
