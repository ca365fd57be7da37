import type { Ledger } from "./open.ts"
import type { Standing } from "./states.ts"
import type { StudyChange } from "./studies.ts"

// What one discovery has met, in a temporary table of this connection: memory stays flat, the file untouched.

/** A study that is eligible now, with the best rank of its doctors. */
export interface SeenStudy {
  readonly studyId: string
  readonly doctorRank: number
}

/** Begins a discovery: nothing has been met yet. */
export function beginSeen(ledger: Ledger) {
  ledger.db.run(
    `create temp table if not exists seen (
       study_id text primary key, change text, doctor_rank integer not null) strict, without rowid`,
  )
  ledger.db.run("delete from temp.seen")
}

/** Begins the reading anew: only what was recorded already still counts as met. */
export function forgetUnrecorded(ledger: Ledger) {
  ledger.db.run("delete from temp.seen where change is null or change = 'unchanged'")
}

/** Notes studies of which it is not known yet whether they changed; what was noted before stands. */
export function noteSeen(ledger: Ledger, studies: readonly SeenStudy[]) {
  ledger.db
    .query<never, { studies: string }>(
      `insert into temp.seen (study_id, doctor_rank)
       select value ->> 'studyId', value ->> 'doctorRank' from json_each($studies) where true
       on conflict do nothing`,
    )
    .run({ studies: JSON.stringify(studies) })
}

/**
 * Notes as unchanged those whose version is the one that the ledger knows, and that are eligible here, too.
 * @returns how many
 */
export function noteVersions(
  ledger: Ledger,
  versions: readonly { readonly studyId: string; readonly sourceHash: string }[],
): number {
  return ledger.db
    .query<never, { versions: string }>(
      `update temp.seen set change = 'unchanged'
       from json_each($versions) version
       join studies s on s.study_id = value ->> 'studyId'
       where seen.study_id = s.study_id and seen.change is null
         and s.source_hash = value ->> 'sourceHash' and s.standing = 'eligible'`,
    )
    .run({ versions: JSON.stringify(versions) }).changes
}

/** Notes what became of studies that were met. */
export function noteChanges(ledger: Ledger, changes: readonly (readonly [studyId: string, StudyChange])[]) {
  ledger.db
    .query<never, { changes: string }>(
      `update temp.seen set change = value ->> 1 from json_each($changes) where seen.study_id = value ->> 0`,
    )
    .run({ changes: JSON.stringify(changes) })
}

/** Ids of the studies met that the ledger knows, so that they may be unchanged; in order, a page at a time. */
export function* knownSeen(ledger: Ledger, pageSize: number): Generator<string[]> {
  yield* pagesOf(ledger, "change is null and study_id in (select study_id from studies)", pageSize)
}

/** Ids of the studies met of which it is not known whether they changed; in order, a page at a time. */
export function* unreadSeen(ledger: Ledger, pageSize: number): Generator<string[]> {
  yield* pagesOf(ledger, "change is null", pageSize)
}

/** Ids of all studies met; in order, a page at a time. */
export function* allSeen(ledger: Ledger, pageSize: number): Generator<string[]> {
  yield* pagesOf(ledger, "true", pageSize)
}

function* pagesOf(ledger: Ledger, condition: string, pageSize: number): Generator<string[]> {
  const page = ledger.db.query<{ studyId: string }, { after: string; pageSize: number }>(
    `select study_id as studyId from temp.seen where study_id > $after and ${condition}
     order by study_id limit $pageSize`,
  )
  for (let after = ""; ; ) {
    const ids = page.all({ after, pageSize }).map(({ studyId }) => studyId)
    const last = ids.at(-1)
    if (last === undefined) return
    yield ids
    after = last
  }
}

/** How many were new, changed, unchanged. */
export function seenCounts(ledger: Ledger): Record<StudyChange, number> {
  const rows = ledger.db
    .query<{ change: StudyChange; count: number }, []>(
      "select change, count(*) as count from temp.seen where change is not null group by change",
    )
    .all()
  return {
    new: 0,
    changed: 0,
    unchanged: 0,
    ...Object.fromEntries(rows.map((row) => [row.change, row.count])),
  }
}

/** Tells the studies that were met unchanged when that was, and the best rank that their doctors hold now. */
export function recordLastSeen(ledger: Ledger) {
  ledger.write(() =>
    ledger.db
      .query(
        `update studies set last_seen_at = $now, doctor_rank = seen.doctor_rank
         from temp.seen where seen.study_id = studies.study_id and seen.change = 'unchanged'`,
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
