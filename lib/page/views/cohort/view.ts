import type { PageRequest, View } from "../../page.ts"
import { readCohort } from "./read.ts"
import { renderCohort } from "./render.ts"

/** What the last discovery decided, or the one that is asked for; undefined where there is no such. */
export function cohortView({ deps, query, context }: PageRequest): View | undefined {
  const asked = query.get("cohort")
  const cohortId = asked === null ? undefined : Number(asked)
  if (cohortId !== undefined && !(Number.isSafeInteger(cohortId) && cohortId > 0)) return undefined
  const data = readCohort(deps.ledger, cohortId)
  if (data === undefined && cohortId !== undefined) return undefined
  return { title: "Cohort", nav: "Cohort", body: renderCohort(data, deps.config.ranking.cohortPin, context) }
}
