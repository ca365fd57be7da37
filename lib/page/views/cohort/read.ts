import { type Cohort, cohortById } from "../../../ledger/cohort-history.ts"
import type { RankedDoctor } from "../../../ledger/cohorts.ts"
import type { Ledger } from "../../../ledger/open.ts"
import {
  type CohortChoice,
  cohortBefore,
  lastCohorts,
  rulesTextOf,
  topOfRanking,
} from "../../../ledger/page/cohorts.ts"
import { cohortLineOf } from "../../../operate/cohorts.ts"
import { type DecisionDiff, diffDecisions } from "../../../operate/cohorts-diff.ts"

/** What one discovery decided. */
export interface CohortData {
  readonly cohort: Cohort
  readonly rulesText: string
  readonly chosen: number
  /** Every ranked doctor. */
  readonly ranked: number
  /** The best ones, as many as are shown. */
  readonly ranking: readonly RankedDoctor[]
  /** The one before it, and how it differs; undefined for the first. */
  readonly before: { readonly cohort: Cohort; readonly diff: DecisionDiff } | undefined
  /** Others that may be looked at, newest first. */
  readonly choices: readonly CohortChoice[]
}

const CHOICES = 60
/** Beside those that are chosen, so that one sees who nearly was. */
const RANKS = { atLeast: 10, behindChosen: 3, atMost: 60 }

/** @param cohortId undefined: the last one. @returns undefined where there is no such cohort, or none at all */
export function readCohort(ledger: Ledger, cohortId: number | undefined): CohortData | undefined {
  return ledger.read(() => {
    const choices = lastCohorts(ledger, CHOICES)
    const wanted = cohortId ?? choices[0]?.cohortId
    const cohort = wanted === undefined ? undefined : cohortById(ledger, wanted)
    if (cohort === undefined) return undefined
    const { doctors: chosen } = cohortLineOf(ledger, cohort.cohortId)
    const ranks = Math.max(RANKS.atLeast, (chosen.at(-1)?.rank ?? 0) + RANKS.behindChosen)
    const { doctors, all } = topOfRanking(ledger, cohort.cohortId, Math.min(ranks, RANKS.atMost))
    const earlier = cohortBefore(ledger, cohort.cohortId)
    return {
      cohort,
      rulesText: rulesTextOf(ledger, cohort.rulesHash),
      chosen: chosen.length,
      ranked: all,
      ranking: doctors,
      before:
        earlier === undefined
          ? undefined
          : { cohort: cohortById(ledger, earlier)!, diff: diffDecisions(ledger, earlier, cohort.cohortId) },
      choices,
    }
  })
}
