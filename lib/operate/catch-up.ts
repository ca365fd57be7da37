import type { Ledger } from "../ledger/open.ts"
import { cutOffRun, type FiringReason, watchedUntil } from "../ledger/schedule.ts"
import type { CronTimes } from "../support/cron.ts"

export interface CatchUp {
  readonly reason: Extract<FiringReason, "missed" | "cut off">
  /** Of several missed ones the last, for one run makes up for all of them. */
  readonly dueAt: Date
}

/**
 * What a scheduler that starts now has to make up for: a time that came while no scheduler lived, or a run that it had
 * begun and that did not come to its end. A run by hand since then is as good.
 * @param self the run of the scheduler that asks
 */
export function catchUpOf(ledger: Ledger, times: CronTimes, self?: number): CatchUp | undefined {
  const now = ledger.clock.now()
  const watched = watchedUntil(ledger, self)
  const missed = watched === undefined ? undefined : times.previous(now)
  if (watched !== undefined && missed !== undefined && missed > watched) {
    return { reason: "missed", dueAt: missed }
  }
  const cutOff = cutOffRun(ledger)
  return cutOff === undefined ? undefined : { reason: "cut off", dueAt: cutOff }
}
