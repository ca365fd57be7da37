import { type Cohort, cohortById, cohortList, rankingOf } from "../ledger/cohort-history.ts"
import type { Ledger } from "../ledger/open.ts"
import { positiveInteger } from "../support/cli.ts"
import { UsageError } from "../support/errors.ts"

/** What one discovery decided. */
export interface CohortLine {
  readonly cohort: number
  readonly decided_at: string
  readonly run: number
  readonly script: string
  /** Of the text of the rules; another one means another program decided. */
  readonly rules_hash: string
  /** Ranks, tolerated modalities, limit or ids, as the discovery was given them. */
  readonly parameters: Readonly<Record<string, unknown>>
  readonly doctors: readonly CohortDoctor[]
  /** Eligible in the database when it was decided. */
  readonly eligible: number
  /** What it changed in the ledger; null when it did not get to its end. */
  readonly changes: Readonly<Record<string, number>> | null
}

/** A chosen doctor. */
export interface CohortDoctor {
  readonly rank: number
  readonly user_id: string
  /** Signed chest studies. */
  readonly studies: number
}

/** Every cohort, oldest first. */
export function cohortsOf(ledger: Ledger): CohortLine[] {
  return ledger.read(() => cohortList(ledger).map((cohort) => cohortLine(ledger, cohort)))
}

/** @throws UsageError */
export function cohortLineOf(ledger: Ledger, cohortId: number): CohortLine {
  const cohort = cohortById(ledger, cohortId)
  if (cohort !== undefined) return cohortLine(ledger, cohort)
  throw new UsageError(`the ledger does not know cohort ${cohortId}`, "bun run cohorts lists them.")
}

/**
 * What the words of `cohorts` ask for: nothing is the list, `diff A B` two cohorts.
 * @returns the two ids, or undefined for the list
 * @throws UsageError
 */
export function cohortsToCompare(words: readonly string[]): readonly [number, number] | undefined {
  if (words.length === 0) return undefined
  const [verb, a, b, ...more] = words
  if (verb !== "diff" || a === undefined || b === undefined || more.length > 0) {
    throw new UsageError("expected no words for the list, or: diff A B", "bun run cohorts diff 3 8")
  }
  return [positiveInteger(a), positiveInteger(b)]
}

function cohortLine(ledger: Ledger, cohort: Cohort): CohortLine {
  const { cohortId, decidedAt, runId, script, rulesHash, parameters, funnel, counts } = cohort
  return {
    cohort: cohortId,
    decided_at: decidedAt,
    run: runId,
    script,
    rules_hash: rulesHash,
    parameters,
    doctors: rankingOf(ledger, cohortId)
      .filter(({ chosen }) => chosen)
      .map(({ rank, userId, studies }) => ({ rank, user_id: userId, studies })),
    eligible: funnel.at(-1)?.studies ?? 0,
    changes: counts,
  }
}
