import type { Ledger } from "../ledger/open.ts"
import type { Clock } from "../support/clock.ts"
import type { CronTimes } from "../support/cron.ts"
import type { Log } from "../support/log.ts"
import type { Stop } from "../support/stop.ts"
import { catchUpOf } from "./catch-up.ts"
import { type FiringTotals, type Jobs, openFirings } from "./firings.ts"

export interface ScheduleDeps {
  /** Its clock is the scheduler's. */
  readonly ledger: Ledger
  /** The scheduler's own run. */
  readonly runId: number
  readonly times: CronTimes
  readonly jobs: Jobs
  readonly log: Log
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
  { ledger, runId, times, jobs, log }: ScheduleDeps,
  { catchUp }: ScheduleOptions,
  stop: Stop,
): Promise<FiringTotals> {
  const { clock } = ledger
  const firings = openFirings({ ledger, runId, jobs, log }, stop)
  const missed = catchUp ? catchUpOf(ledger, times, runId) : undefined
  if (missed !== undefined) firings.fire(missed)
  for (let last = clock.now(); ; ) {
    const dueAt = times.next(last)
    if (dueAt === undefined) break
    log.info({ due: dueAt.toISOString() }, "waiting for the next run")
    if (!(await reached(clock, dueAt, stop.requested))) break
    firings.fire({ reason: "due", dueAt })
    // A clock that was put back must not make it due again; what was slept through is made up for by one run.
    last = new Date(Math.max(dueAt.getTime(), clock.now().getTime()))
  }
  return await firings.ended()
}

/** Fires now and waits for its end. @returns whether it went well */
export async function scheduleOnce(
  { ledger, runId, jobs, log }: Omit<ScheduleDeps, "times">,
  stop: Stop,
): Promise<FiringTotals> {
  const firings = openFirings({ ledger, runId, jobs, log }, stop)
  firings.fire({ reason: "asked", dueAt: ledger.clock.now() })
  return await firings.ended()
}

/** A box that slept, or whose clock was set, has to be noticed; and a timer holds 24 days at most. */
const LONGEST_SLEEP_MS = 60_000

/** Resolves to true at that time, to false once the signal aborts. */
async function reached(clock: Clock, moment: Date, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const leftMs = moment.getTime() - clock.now().getTime()
    if (leftMs <= 0) return true
    try {
      await clock.delay(Math.min(leftMs, LONGEST_SLEEP_MS), signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
  return false
}
