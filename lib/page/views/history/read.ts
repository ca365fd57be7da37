import {
  type FoldedTries,
  foldedTries,
  type SlowStudy,
  slowestStudies,
} from "../../../ledger/page/history.ts"
import { hoursSince, type MovedIn, movedEver } from "../../../ledger/page/moved.ts"
import { latestRuns, type PastRun } from "../../../ledger/page/runs.ts"
import { type Moved, NOTHING_MOVED, sumOf } from "../../../ledger/tally.ts"
import { readTotals } from "../../../ledger/totals.ts"
import type { PageDeps } from "../../page.ts"

/** What was done, as of one moment. */
export interface History {
  /** The last days, in the page's time zone, oldest first; also those on which nothing moved. */
  readonly days: readonly MovedOn[]
  /** All that this ledger ever heard of. */
  readonly ever: Moved
  /** What stands at the destination now. */
  readonly standing: { readonly objects: number; readonly bytes: number }
  readonly runs: readonly PastRun[]
  readonly slowest: readonly SlowStudy[]
  readonly folded: readonly FoldedTries[]
}

export interface MovedOn extends Moved {
  /** `2026-03-01`. */
  readonly day: string
}

const DAYS = 60
const RUNS = 50
const SLOWEST = 10

const DAY_MS = 86_400_000

/** Everything that the view shows, by indexes and tables of hours and days, in some milliseconds. */
export function readHistory({
  ledger,
  config,
  clock,
}: Pick<PageDeps, "ledger" | "config" | "clock">): History {
  return ledger.read(() => {
    const now = clock.now()
    const { count: objects = 0, bytes = 0 } = readTotals(ledger.db).get("objects.copied") ?? {}
    // Some hours more, for the first day begins at another one in each time zone.
    const hours = hoursSince(ledger, new Date(now.getTime() - (DAYS + 1) * DAY_MS))
    return {
      days: daysOf(hours, now, config.schedule.timezone),
      ever: movedEver(ledger),
      standing: { objects, bytes },
      runs: latestRuns(ledger, RUNS),
      slowest: slowestStudies(ledger, SLOWEST),
      folded: foldedTries(ledger),
    }
  })
}

/** An hour belongs to the day on which it begins, wherever that is. */
function daysOf(hours: readonly MovedIn[], now: Date, timezone: string): MovedOn[] {
  const dayOf = new Intl.DateTimeFormat("en-CA", { timeZone: timezone, dateStyle: "short" })
  const byDay = Map.groupBy(hours, ({ at }) => dayOf.format(Date.parse(at)))
  const today = Date.parse(dayOf.format(now))
  return Array.from({ length: DAYS }, (_, n) => {
    const day = new Date(today - (DAYS - 1 - n) * DAY_MS).toISOString().slice(0, 10)
    return { day, ...(byDay.get(day) ?? []).reduce<Moved>(sumOf, NOTHING_MOVED) }
  })
}
