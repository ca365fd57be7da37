import type { FunnelLine, RankedDoctor } from "./cohorts.ts"
import type { Ledger } from "./open.ts"
import type { Standing } from "./states.ts"

/** What one discovery decided, without its ranking. */
export interface Cohort {
  readonly cohortId: number
  readonly decidedAt: string
  readonly runId: number
  readonly script: string
  readonly rulesHash: string
  readonly parameters: Readonly<Record<string, unknown>>
  readonly funnel: readonly FunnelLine[]
  /** What the discovery did; null when it did not get to its end. */
  readonly counts: Readonly<Record<string, number>> | null
}

/** Every cohort, oldest first. */
export function cohortList(ledger: Ledger): Cohort[] {
  return ledger.db.query<CohortRow, []>(`${COHORTS} order by cohort_id`).all().map(cohortOf)
}

export function cohortById(ledger: Ledger, cohortId: number): Cohort | undefined {
  const row = ledger.db
    .query<CohortRow, { cohortId: number }>(`${COHORTS} where cohort_id = $cohortId`)
    .get({ cohortId })
  return row === null ? undefined : cohortOf(row)
}

/** The ranking of a cohort, best first. */
export function rankingOf(ledger: Ledger, cohortId: number): RankedDoctor[] {
  return ledger.db
    .query<Omit<RankedDoctor, "chosen"> & { chosen: 0 | 1 }, { cohortId: number }>(
      `select rank, user_id as userId, studies, chosen from doctors where cohort_id = $cohortId order by rank`,
    )
    .all({ cohortId })
    .map((doctor) => ({ ...doctor, chosen: doctor.chosen === 1 }))
}

/** The doctor who held a rank by the last ranking up to some time: ranks move every day. */
export function doctorAt(ledger: Ledger, rank: number, at: string): string | undefined {
  const row = ledger.db
    .query<{ userId: string }, { rank: number; at: string }>(
      `select user_id as userId from doctors where rank = $rank and cohort_id =
         (select cohort_id from cohorts where decided_at <= $at order by cohort_id desc limit 1)`,
    )
    .get({ rank, at })
  return row?.userId
}

/** A study that was eligible when one of two cohorts was decided and not when the other was. */
export interface MovedStudy {
  readonly studyId: string
  readonly newestSignedAt: string | null
  /** The best rank that its doctors held at `lastSeenAt`. */
  readonly doctorRank: number | null
  readonly lastSeenAt: string
  /** By the time of each cohort; null while nothing had discovered it. */
  readonly from: Standing | null
  readonly to: Standing | null
  /** The rule that fails where it is not eligible. */
  readonly fromReason: string | null
  readonly toReason: string | null
}

/** Studies that came and went between two cohorts, in the order of their ids. One pass over the moves of all studies. */
export function* movedStudies(ledger: Ledger, from: number, to: number): Generator<MovedStudy> {
  using statement = ledger.db.prepare<MovedStudy, { from: number; to: number }>(MOVED)
  yield* statement.iterate({ from, to })
}

/** Where a study stood when a cohort was decided: what it was moved to by then, at the latest. */
const then = (column: string, cohort: string) => `(select t.${column} from standings t
  where t.study_id = m.study_id and t.cohort_id <= ${cohort} order by t.cohort_id desc limit 1)`

const MOVED = `
  with moved as (
    select distinct study_id from standings
    where cohort_id > min($from, $to) and cohort_id <= max($from, $to)
  ),
  stood as (
    select study_id, ${then("standing", "$from")} as "from", ${then("standing", "$to")} as "to",
      ${then("reason", "$from")} as fromReason, ${then("reason", "$to")} as toReason
    from moved m
  )
  select study_id as studyId, newest_signed_at as newestSignedAt, doctor_rank as doctorRank,
    last_seen_at as lastSeenAt, "from", "to", fromReason, toReason
  from stood join studies using (study_id)
  where ("from" is 'eligible') <> ("to" is 'eligible')
  order by study_id`

const COHORTS = `select cohort_id, decided_at, run_id, script, rules_hash, parameters, funnel, cohorts.counts
  from cohorts join runs using (run_id)`

interface CohortRow {
  readonly cohort_id: number
  readonly decided_at: string
  readonly run_id: number
  readonly script: string
  readonly rules_hash: string
  readonly parameters: string
  readonly funnel: string
  readonly counts: string | null
}

function cohortOf(row: CohortRow): Cohort {
  return {
    cohortId: row.cohort_id,
    decidedAt: row.decided_at,
    runId: row.run_id,
    script: row.script,
    rulesHash: row.rules_hash,
    parameters: JSON.parse(row.parameters),
    funnel: JSON.parse(row.funnel),
    counts: row.counts === null ? null : JSON.parse(row.counts),
  }
}
