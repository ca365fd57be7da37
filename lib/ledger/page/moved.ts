import type { Ledger } from "../open.ts"
import { MINUTES_KEPT_MS } from "../runs.ts"
import { type Moved, NOTHING_MOVED, sumOf } from "../tally.ts"

/** What moved in one span of time. */
export interface MovedIn extends Moved {
  /** Its beginning, as an ISO time in UTC. */
  readonly at: string
}

/** What moved in each minute since then in which something did, oldest first; a day at most. By the table's key. */
export function minutesSince(ledger: Ledger, since: Date): MovedIn[] {
  return ledger.db
    .query<MovedIn, { since: string }>(
      `select minute || ':00.000Z' as at, copied, adopted, adopted_bytes as adoptedBytes, failed, bytes, completed
       from minutes where minute >= $since order by minute`,
    )
    .all({ since: since.toISOString().slice(0, 16) })
}

/** What moved in each hour since then in which something did, oldest first. By the table's key. */
export function hoursSince(ledger: Ledger, since: Date): MovedIn[] {
  return ledger.db
    .query<MovedIn, { since: string }>(
      `select hour || ':00:00.000Z' as at, copied, adopted, adopted_bytes as adoptedBytes, failed, bytes, completed
       from hourly where hour >= $since order by hour`,
    )
    .all({ since: since.toISOString().slice(0, 13) })
}

/** All that moved since then, to the minute; to the hour, when that is more than a day ago. */
export function movedSince(ledger: Ledger, since: Date): Moved {
  const isRecent = ledger.clock.now().getTime() - since.getTime() < MINUTES_KEPT_MS
  const spans = isRecent ? minutesSince(ledger, since) : hoursSince(ledger, since)
  return spans.reduce<Moved>(sumOf, NOTHING_MOVED)
}

/** All that ever moved: a row for each hour in which something did, by a scan of that table (9,000 rows a year). */
export function movedEver(ledger: Ledger): Moved {
  return ledger.db
    .query<Moved, []>(
      `select coalesce(sum(copied), 0) as copied, coalesce(sum(adopted), 0) as adopted,
         coalesce(sum(adopted_bytes), 0) as adoptedBytes,
         coalesce(sum(failed), 0) as failed, coalesce(sum(bytes), 0) as bytes,
         coalesce(sum(completed), 0) as completed
       from hourly`,
    )
    .get()!
}
