import { recordCohort } from "../../ledger/cohorts.ts"
import { assertDiscovering } from "../../ledger/discovering.ts"
import type { Ledger } from "../../ledger/open.ts"
import type { Tally } from "../../ledger/tally.ts"
import type { Pacs } from "../../source/pacs.ts"
import type { Rules, Survey } from "../../source/rows.ts"
import { RULES_TEXT } from "../../source/rules.ts"
import type { Log } from "../../support/log.ts"
import type { Progress } from "../../support/progress.ts"

export interface DiscoverDeps {
  readonly ledger: Ledger
  readonly pacs: Pacs
  readonly rules: Rules
  /** The cohort that the rules' doctors are pinned to. */
  readonly pinnedCohort?: number | undefined
  readonly runId: number | undefined
  readonly log: Log
  readonly progress: Progress
}

/** Records the decision, before any study it concerns. @returns the cohort's id */
export function decide(deps: DiscoverDeps, survey: Survey, scope: Readonly<Record<string, unknown>>): number {
  const { rules, pinnedCohort } = deps
  const { ledger, runId } = recording(deps)
  const chosen = new Set(survey.chosen.map((doctor) => doctor.userId))
  const decision = {
    runId,
    rulesText: RULES_TEXT,
    parameters: {
      rank_from: rules.rankFrom,
      rank_to: rules.rankTo,
      tolerated_modalities: rules.toleratedModalities,
      pinned_cohort: pinnedCohort ?? null,
      limit: scope.limit ?? null,
      study_ids: scope.studyIds ?? null,
    },
    ranking: survey.ranking.map((doctor) => ({ ...doctor, chosen: chosen.has(doctor.userId) })),
    funnel: survey.funnel,
  }
  return recordInTurn(deps, () => recordCohort(ledger, decision))
}

/** What a discovery that is no dry run has. */
export function recording({ ledger, log, runId }: DiscoverDeps) {
  return { ledger, log, runId: runId! }
}

/** One transaction of a discovery that is still the one whose turn it is. @throws DiscoveryOvertaken */
export function recordInTurn<T>(deps: DiscoverDeps, work: (tally: Tally) => T): T {
  const { ledger, runId } = recording(deps)
  return ledger.write((tally) => {
    assertDiscovering(ledger, runId)
    return work(tally)
  })
}
