import type { RankedDoctor } from "../cohorts.ts"
import type { Ledger } from "../open.ts"

// What the page shows of cohorts, by their primary keys.

/** A cohort among others. */
export interface CohortChoice {
  readonly cohortId: number
  readonly decidedAt: string
}

/** The last cohorts, newest first. */
export function lastCohorts(ledger: Ledger, limit: number): CohortChoice[] {
  return ledger.db
    .query<CohortChoice, { limit: number }>(
      "select cohort_id as cohortId, decided_at as decidedAt from cohorts order by cohort_id desc limit $limit",
    )
    .all({ limit })
}

/** The one that was decided before it; undefined for the first. */
export function cohortBefore(ledger: Ledger, cohortId: number): number | undefined {
  const row = ledger.db
    .query<{ id: number | null }, { cohortId: number }>(
      "select max(cohort_id) as id from cohorts where cohort_id < $cohortId",
    )
    .get({ cohortId })
  return row?.id ?? undefined
}

/** The best doctors of a ranking, as many as are shown, and how many there are of them. */
export function topOfRanking(
  ledger: Ledger,
  cohortId: number,
  limit: number,
): { readonly doctors: readonly RankedDoctor[]; readonly all: number } {
  const doctors = ledger.db
    .query<Omit<RankedDoctor, "chosen"> & { chosen: 0 | 1 }, { cohortId: number; limit: number }>(
      `select rank, user_id as userId, studies, chosen from doctors where cohort_id = $cohortId
       order by rank limit $limit`,
    )
    .all({ cohortId, limit })
    .map((doctor) => ({ ...doctor, chosen: doctor.chosen === 1 }))
  const { all } = ledger.db
    .query<{ all: number }, { cohortId: number }>(
      'select count(*) as "all" from doctors where cohort_id = $cohortId',
    )
    .get({ cohortId })!
  return { doctors, all }
}

/** The rules as they were written when a cohort was decided. */
export function rulesTextOf(ledger: Ledger, rulesHash: string): string {
  const row = ledger.db
    .query<{ text: string }, { rulesHash: string }>(
      "select rules_text as text from rules where rules_hash = $rulesHash",
    )
    .get({ rulesHash })
  return row?.text ?? ""
}
