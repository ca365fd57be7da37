import type { Ledger } from "../open.ts"

export interface RunsOf {
  readonly script: string
  /** Null: without an end yet. */
  readonly outcome: string | null
  readonly count: number
}

/** How many runs there were, by script and outcome. A scan of the table of runs, some dozens a day. */
export function runsByOutcome(ledger: Ledger): RunsOf[] {
  return ledger.db
    .query<RunsOf, []>(
      "select script, outcome, count(*) as count from runs group by script, outcome order by script, outcome",
    )
    .all()
}

/** Claims for series whose lease lasts; a few at a time. */
export function claimedSeries(ledger: Ledger): number {
  return ledger.db
    .query<{ count: number }, { now: string }>(
      "select count(*) as count from cod_claims where expires_at > $now",
    )
    .get({ now: ledger.now() })!.count
}

/** What became of the thumbnails of packed series. */
export interface ThumbnailCounts {
  readonly failed: number
  /** Nobody has made one yet, or the next run does. */
  readonly none: number
  /** Made, or there was nothing to show. */
  readonly settled: number
}

/**
 * By the indexes of those that lack one; nobody counts the others one by one.
 * @param packed how many series are
 */
export function thumbnailCounts(ledger: Ledger, packed: number): ThumbnailCounts {
  const { failed, none } = ledger.db
    .query<{ failed: number; none: number }, []>(
      `select (select count(*) from cod_series indexed by cod_series_not_drawn where thumbnail = 'failed') as failed,
         (select count(*) from cod_series indexed by cod_series_undrawn where state = 'packed' and thumbnail is null)
         + (select count(*) from cod_series indexed by cod_series_drawn_again
            where state = 'packed' and thumbnail = 'due') as none`,
    )
    .get()!
  return { failed, none, settled: Math.max(0, packed - failed - none) }
}
