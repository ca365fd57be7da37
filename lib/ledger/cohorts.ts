import { UsageError } from "../support/errors.ts"
import type { Ledger } from "./open.ts"

export interface RankedDoctor {
  readonly rank: number
  readonly userId: string
  /** Distinct signed chest studies. */
  readonly studies: number
  readonly chosen: boolean
}

export interface FunnelLine {
  readonly rule: string
  /** Studies left after this rule and all before it. */
  readonly studies: number
}

export interface CohortDecision {
  readonly runId: number
  /** The rules as text, and what they were given. */
  readonly rulesText: string
  readonly parameters: Readonly<Record<string, unknown>>
  readonly ranking: readonly RankedDoctor[]
  readonly funnel: readonly FunnelLine[]
}

/** Records what a discovery decided, before any study is. @returns the cohort's id */
export function recordCohort(ledger: Ledger, decision: CohortDecision): number {
  return ledger.write(() => {
    const rulesHash = new Bun.CryptoHasher("sha256").update(decision.rulesText).digest("hex").slice(0, 16)
    ledger.db
      .query(
        "insert into rules (rules_hash, rules_text) values ($rulesHash, $rulesText) on conflict do nothing",
      )
      .run({ rulesHash, rulesText: decision.rulesText })
    const row = ledger.db
      .query<{ cohort_id: number }, Record<string, string | number>>(
        `insert into cohorts (run_id, decided_at, rules_hash, parameters, funnel)
         values ($runId, $now, $rulesHash, $parameters, $funnel) returning cohort_id`,
      )
      .get({
        runId: decision.runId,
        now: ledger.now(),
        rulesHash,
        parameters: JSON.stringify(decision.parameters),
        funnel: JSON.stringify(decision.funnel),
      })
    const cohortId = row!.cohort_id
    const insertDoctor = ledger.db.query(
      `insert into doctors (cohort_id, rank, user_id, studies, chosen)
       values ($cohortId, $rank, $userId, $studies, $chosen)`,
    )
    for (const { rank, userId, studies, chosen } of decision.ranking) {
      insertDoctor.run({ cohortId, rank, userId, studies, chosen: chosen ? 1 : 0 })
    }
    return cohortId
  })
}

/** Marks the discovery as having read all it wanted. */
export function completeCohort(ledger: Ledger, cohortId: number, counts: Readonly<Record<string, number>>) {
  ledger.write(() =>
    ledger.db
      .query("update cohorts set counts = $counts where cohort_id = $cohortId")
      .run({ cohortId, counts: JSON.stringify(counts) }),
  )
}

/** The chosen doctors of the cohort that a study was last planned by. */
export function chosenDoctors(
  ledger: Ledger,
  studyId: string,
): { readonly userId: string; readonly rank: number }[] {
  return ledger.db
    .query<{ userId: string; rank: number }, { studyId: string }>(
      `select user_id as userId, rank from doctors join studies using (cohort_id)
       where study_id = $studyId and chosen = 1 order by rank`,
    )
    .all({ studyId })
}

export interface PinnedCohort {
  /** Every doctor that the cohort ranked. */
  readonly ranking: readonly RankedDoctor[]
  readonly chosen: readonly RankedDoctor[]
  /** First and last rank of those that it chose; 0 where it chose nobody. */
  readonly rankFrom: number
  readonly rankTo: number
}

/** The doctors of an earlier discovery, for a later one that takes the same. @throws UsageError when there was none */
export function pinnedCohort(ledger: Ledger, cohortId: number): PinnedCohort {
  if (ledger.db.query("select 1 from cohorts where cohort_id = $cohortId").get({ cohortId }) === null) {
    throw unknownCohort(cohortId)
  }
  const ranking = ledger.db
    .query<Omit<RankedDoctor, "chosen"> & { chosen: 0 | 1 }, { cohortId: number }>(
      `select rank, user_id as userId, studies, chosen from doctors where cohort_id = $cohortId order by rank`,
    )
    .all({ cohortId })
    .map((doctor) => ({ ...doctor, chosen: doctor.chosen === 1 }))
  const chosen = ranking.filter((doctor) => doctor.chosen)
  return { ranking, chosen, rankFrom: chosen[0]?.rank ?? 0, rankTo: chosen.at(-1)?.rank ?? 0 }
}

export function unknownCohort(cohortId: number): UsageError {
  return new UsageError(
    `--pin-cohort or COHORT_PIN: the ledger has no cohort ${cohortId}`,
    "bun run cohorts lists them.",
  )
}
