import { setImmediate } from "node:timers/promises"
import type { Ledger } from "./open.ts"

/** Tries are kept one by one for so long. */
export const KEPT_DAYS = 90

const DAY_MS = 86_400_000

/** A transaction holds all other processes up: one of so many studies takes a hundredth of a second. */
const STUDIES_PER_TRANSACTION = 500
const PAGES_PER_TRANSACTION = 1000

/**
 * Folds tries that ended more than 90 days ago into totals of whole days, so that the ledger grows with what there is
 * and not with how often it was tried, and gives the room back to the disk. Does something once a day at most. May be ended at any moment by `signal` or a
 * crash, and run by two processes at once: the rows and their totals change in one transaction.
 * @returns how many tries were folded
 */
export async function foldAttempts(ledger: Ledger, signal?: AbortSignal): Promise<number> {
  const before = new Date(ledger.clock.now().getTime() - KEPT_DAYS * DAY_MS).toISOString().slice(0, 10)
  if (isFolded(ledger, before)) return 0
  let folded = 0
  for (let after = ""; ; ) {
    if (signal?.aborted) return folded
    const last = lastOfNext(ledger, after)
    if (last === undefined) break
    folded += foldStudies(ledger, { after, last, before })
    after = last
    // Locks are renewed and signals heard between two transactions.
    await setImmediate()
  }
  await giveBackRoom(ledger, signal)
  ledger.write(() => ledger.db.query("update ledger set folded_before = $before").run({ before }))
  return folded
}

/** Also when no run is so old. */
function isFolded(ledger: Ledger, before: string): boolean {
  const { done } = ledger.db
    .query<{ done: 0 | 1 }, { before: string }>(
      `select coalesce((select folded_before from ledger) >= $before, 0)
         or coalesce((select started_at from runs order by run_id limit 1) >= $before, 1) as done`,
    )
    .get({ before })!
  return done === 1
}

/** The last of the next studies that have been tried; undefined behind the last. */
function lastOfNext(ledger: Ledger, after: string): string | undefined {
  const row = ledger.db
    .query<{ last: string | null }, { after: string; limit: number }>(
      `select max(study_id) as last from (
         select distinct study_id from copy_attempts where study_id > $after order by study_id limit $limit)`,
    )
    .get({ after, limit: STUDIES_PER_TRANSACTION })
  return row?.last ?? undefined
}

/** Nothing, where the file was made by a program that did not provide for it. */
async function giveBackRoom(ledger: Ledger, signal: AbortSignal | undefined) {
  for (let free = freePages(ledger); free > 0 && !signal?.aborted; ) {
    ledger.db.run(`pragma incremental_vacuum(${PAGES_PER_TRANSACTION})`)
    await setImmediate()
    const left = freePages(ledger)
    if (left >= free) return
    free = left
  }
}

function freePages(ledger: Ledger): number {
  return ledger.db.query<{ freelist_count: number }, []>("pragma freelist_count").get()!.freelist_count
}

interface Chunk {
  readonly after: string
  readonly last: string
  readonly before: string
}

const OLD = "study_id > $after and study_id <= $last and ended_at < $before"

function foldStudies(ledger: Ledger, { after, last, before }: Chunk): number {
  const chunk = { after, last, before }
  if (ledger.db.query(`select 1 from copy_attempts where ${OLD} limit 1`).get(chunk) === null) return 0
  return ledger.write(() => {
    ledger.db
      .query(
        `insert into daily_attempts (day, outcome, error_class, attempts, bytes)
         select substr(ended_at, 1, 10), outcome, coalesce(error_class, ''), count(*), coalesce(sum(bytes), 0)
         from copy_attempts where ${OLD} group by 1, 2, 3
         on conflict (day, outcome, error_class)
           do update set attempts = attempts + excluded.attempts, bytes = bytes + excluded.bytes`,
      )
      .run(chunk)
    return ledger.db.query(`delete from copy_attempts where ${OLD}`).run(chunk).changes
  })
}
