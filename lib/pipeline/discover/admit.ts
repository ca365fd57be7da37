import { recordStudy } from "../../ledger/studies.ts"
import type { Rule, SourceStudy } from "../../source/rows.ts"
import { RULE_TEXTS } from "../../source/rules.ts"
import type { Stop } from "../../support/stop.ts"
import { planStudy } from "../copy/plan.ts"
import { type DiscoverDeps, decide, recordInTurn, recording } from "./decision.ts"
import { discoveryTurn } from "./discovery-turn.ts"

/**
 * Makes studies known to the ledger, for a copy that names them, as far as they are eligible.
 * @returns of every other one the rule that it fails, in words
 */
export async function admitStudies(
  deps: DiscoverDeps,
  studyIds: readonly string[],
  stop: Stop,
): Promise<ReadonlyMap<string, string>> {
  using _ = await discoveryTurn(recording(deps), stop.requested)
  return await deps.pacs.snapshot(async (snapshot) => {
    const survey = await snapshot.survey(deps.rules)
    const refused = new Map<string, string>()
    const admitted: SourceStudy[] = []
    for (const id of studyIds) {
      const found = await snapshot.study(id, survey)
      if ("failed" in found) refused.set(id, whyNot(found.failed))
      else admitted.push(found)
    }
    if (admitted.length > 0) {
      const cohort = decide(deps, survey, { studyIds: admitted.map(({ studyId }) => studyId) })
      recordInTurn(deps, () => {
        for (const study of admitted) recordStudy(deps.ledger, planStudy(study), cohort)
      })
    }
    return refused
  }, stop.requested)
}

function whyNot(rule: Rule): string {
  if (rule === "exists") return "the database has no such study"
  return `not eligible: fails the rule ${rule} (${RULE_TEXTS[rule]})`
}
