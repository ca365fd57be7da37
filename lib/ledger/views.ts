import { isDead, type Owner } from "../support/owner.ts"
import type { Ledger } from "./open.ts"
import { COPYING } from "./runs.ts"

// What people look at, read from the views and the small tables; every answer is quick on a large ledger.

export interface ProgressLine {
  readonly item: string
  readonly count: number
  readonly of: number | null
  readonly percent: string
  readonly size: string
}

export function progressLines(ledger: Ledger): ProgressLine[] {
  return ledger.db.query<ProgressLine, []>("select * from progress").all()
}

export interface FailureGroup {
  readonly verdict: string
  readonly error_class: string
  readonly count: number
  readonly example: string
  readonly example_study: string
}

/** Failures by verdict and class, most first. */
export function failureGroups(ledger: Ledger): FailureGroup[] {
  return ledger.db
    .query<FailureGroup, []>(
      `select verdict, error_class, count(*) as count, min(error_message) as example, min(study_id) as example_study
       from failures group by verdict, error_class order by count(*) desc, verdict, error_class`,
    )
    .all()
}

export interface Failure {
  readonly verdict: string
  readonly error_class: string
  readonly study_id: string
  readonly path: string
  readonly tries: number | null
  readonly next_try_at: string | null
  readonly error_message: string
  readonly what_next: string
}

export function failureList(ledger: Ledger, limit: number): Failure[] {
  return ledger.db
    .query<Failure, { limit: number }>("select * from failures order by study_id, path limit $limit")
    .all({ limit })
}

export interface TroubledObject {
  readonly study_id: string
  readonly key: string
  /** The generation of wrong bytes that could not be deleted, or what is odd about the object. */
  readonly detail: string
}

/** Wrong bytes that stand at the destination because deleting them was refused. */
export function wrongBytes(ledger: Ledger): TroubledObject[] {
  return ledger.db
    .query<TroubledObject, []>(
      `select study_id, s.organization_id || '/' || study_id || '/' || o.path as key, o.wrong_generation as detail
       from objects o join studies s using (study_id) where o.wrong_generation is not null order by 2`,
    )
    .all()
}

/** A lock that was left standing on purpose: nobody writes the series before a person has looked. */
export interface HangingLock {
  readonly series_uri: string
  readonly study_uid: string
  readonly series_uid: string
  readonly hanging_since: string
  readonly why: string
  /** JSON object, by the lock's name; null while nobody heard whether it was created. */
  readonly generations: string | null
  readonly run_id: number
  readonly what_next: string
}

/** Locks that hang, the longest first. */
export function hangingLocks(ledger: Ledger): HangingLock[] {
  return ledger.db
    .query<HangingLock, []>(
      `select series_uri, study_uid, series_uid, hanging_since, why, generations, run_id, what_next
       from hanging_locks order by hanging_since, series_uri`,
    )
    .all()
}

/** Objects that were copied as they are although something is odd about them. */
export function warnings(ledger: Ledger, limit: number): TroubledObject[] {
  return ledger.db
    .query<TroubledObject, { limit: number }>(
      `select study_id, s.organization_id || '/' || study_id || '/' || o.path as key, o.warning as detail
       from objects o join studies s using (study_id) where o.warning is not null order by 2 limit $limit`,
    )
    .all({ limit })
}

export interface HourLine {
  readonly hour: string
  readonly copied: number
  readonly adopted: number
  readonly failed: number
  readonly bytes: number
}

/** The last hours in which anything moved, newest first. */
export function lastHours(ledger: Ledger, hours: number): HourLine[] {
  return ledger.db
    .query<HourLine, { hours: number }>(
      "select hour, copied, adopted, failed, bytes from hourly order by hour desc limit $hours",
    )
    .all({ hours })
}

export interface OpenRun {
  readonly run_id: number
  readonly script: string
  readonly started_at: string
  readonly host: string
  readonly pid: number
}

/** Runs without an end: those whose process lives, as far as one can tell from here, and those that died without a word. */
export function openRuns(ledger: Ledger): { readonly running: OpenRun[]; readonly died: OpenRun[] } {
  const runs = ledger.db
    .query<OpenRun & Owner & { lapsed: 0 | 1 }, { now: string }>(
      `select run_id, script, started_at, host, boot_id as bootId, pid, process_start as processStart,
         coalesce(alive_until <= $now, 0) as lapsed
       from runs where ended_at is null order by run_id`,
    )
    .all({ now: ledger.now() })
  const told = (dead: boolean) =>
    runs
      .filter((run) => (run.lapsed === 1 || isDead(run)) === dead)
      .map(({ run_id, script, started_at, host, pid }) => ({ run_id, script, started_at, host, pid }))
  return { running: told(false), died: told(true) }
}

export interface Span {
  readonly from: string
  readonly to: string
}

/** When runs that copy were at work since then, each from its start to its last sign of life, in the order of starting. */
export function copyingSpans(ledger: Ledger, since: string): Span[] {
  return ledger.db
    .query<Span, { since: string; now: string; copying: string }>(
      `with work as (
         select started_at, coalesce(ended_at, min(coalesce(alive_until, $now), $now)) as seen_at
         from runs where script in (select value from json_each($copying))
       )
       select max(started_at, $since) as "from", seen_at as "to" from work where seen_at > $since order by 1`,
    )
    .all({ since, now: ledger.now(), copying: JSON.stringify(COPYING) })
}

export interface TimelineLine {
  readonly at: string
  readonly what: string
  readonly detail: string
}

/** Everything that happened to one study, oldest first. */
export function studyTimeline(ledger: Ledger, studyId: string): TimelineLine[] {
  return ledger.db
    .query<TimelineLine, { studyId: string }>(
      "select at, what, detail from study_timeline where study_id = $studyId order by at",
    )
    .all({ studyId })
}

/** SQLite's version and the version of the ledger's schema. */
export function ledgerVersions(ledger: Ledger): { readonly sqlite: string; readonly ledger_schema: number } {
  return ledger.db
    .query<{ sqlite: string; ledger_schema: number }, []>(
      "select sqlite_version() as sqlite, user_version as ledger_schema from pragma_user_version",
    )
    .get()!
}
