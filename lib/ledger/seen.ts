import type { Ledger } from "./open.ts"
import type { Standing } from "./states.ts"
import type { StudyChange } from "./studies.ts"

// What one discovery has met, in a temporary table of this connection: memory stays flat, the file untouched.

/** Begins a discovery: nothing has been met yet. */
export function beginSeen(ledger: Ledger) {
  ledger.db.run(
    `create temp table if not exists seen (
       study_id text primary key, change text not null, doctor_rank integer not null) strict, without rowid`,
  )
  ledger.db.run("delete from temp.seen")
}

/** Notes a study; when a snapshot was begun anew, what was noted first stands. */
export function noteSeen(ledger: Ledger, studyId: string, change: StudyChange, doctorRank: number) {
  ledger.db
    .query(
      `insert into temp.seen (study_id, change, doctor_rank) values ($studyId, $change, $doctorRank)
       on conflict do nothing`,
    )
    .run({ studyId, change, doctorRank })
}

/** How many were new, changed, unchanged. */
export function seenCounts(ledger: Ledger): Record<StudyChange, number> {
  const rows = ledger.db
    .query<{ change: StudyChange; count: number }, []>(
      "select change, count(*) as count from temp.seen group by change",
    )
    .all()
  return {
    new: 0,
    changed: 0,
    unchanged: 0,
    ...Object.fromEntries(rows.map((row) => [row.change, row.count])),
  }
}

/** Tells the studies that were met when that was, and the best rank that their doctors hold now. */
export function recordLastSeen(ledger: Ledger) {
  ledger.write(() =>
    ledger.db
      .query(
        `update studies set last_seen_at = $now, doctor_rank = seen.doctor_rank
         from temp.seen where seen.study_id = studies.study_id`,
      )
      .run({ now: ledger.now() }),
  )
}

export interface UnseenStudy {
  readonly studyId: string
  readonly standing: Standing
  /** Reports that were queued for it. */
  readonly reportIds: readonly string[]
}

/** Studies of the ledger that the discovery has not met, in the order of their ids, a page at a time. */
export function* unseenStudies(ledger: Ledger): Generator<UnseenStudy[]> {
  const page = ledger.db.query<{ studyId: string; standing: Standing; reports: string }, { after: string }>(
    `select study_id as studyId, standing,
       (select json_group_array(source_id) from objects o
        where o.study_id = s.study_id and kind = 'report' and state <> 'retired') as reports
     from studies s
     where study_id > $after and not exists (select 1 from temp.seen where seen.study_id = s.study_id)
     order by study_id limit 500`,
  )
  for (let after = ""; ; ) {
    const studies = page.all({ after })
    const last = studies.at(-1)
    if (last === undefined) return
    yield studies.map(({ studyId, standing, reports }) => ({
      studyId,
      standing,
      reportIds: JSON.parse(reports),
    }))
    after = last.studyId
  }
}
