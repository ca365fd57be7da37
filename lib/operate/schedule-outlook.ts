import type { Ledger } from "../ledger/open.ts"
import { runUnderWay } from "../ledger/runs.ts"
import type { FiringReason } from "../ledger/schedule.ts"
import type { Config } from "../support/config.ts"
import { cronTimes } from "../support/cron.ts"
import { catchUpOf } from "./catch-up.ts"

/** What a scheduler would do. */
export interface Outlook {
  readonly catch_up: { readonly reason: FiringReason; readonly due_at: string } | null
  /** The next times, in UTC. */
  readonly next: readonly string[]
  /** The run that a firing would find under way now. */
  readonly running: number | null
}

const TIMES = 5

/** What a scheduler that started now would do first and next, by the ledger and the clock alone. */
export function outlook(
  ledger: Ledger,
  { cron, timezone }: Config["schedule"],
  { catchUp }: { readonly catchUp: boolean },
): Outlook {
  const times = cronTimes(cron, timezone)
  const missed = catchUp ? catchUpOf(ledger, times) : undefined
  const next: string[] = []
  for (let at = times.next(ledger.clock.now()); at !== undefined && next.length < TIMES; at = times.next(at))
    next.push(at.toISOString())
  return {
    catch_up: missed === undefined ? null : { reason: missed.reason, due_at: missed.dueAt.toISOString() },
    next,
    running: runUnderWay(ledger, "run")?.runId ?? null,
  }
}
