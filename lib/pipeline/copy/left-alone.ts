import type { LedgerStudy } from "../../ledger/studies.ts"

/** Why nothing of a study is copied, not even when it is named; undefined when it may be. */
export function whyLeftAlone({ standing, standingReason, begunAt }: LedgerStudy): string | undefined {
  const mayBeCopied = standing === "eligible" || (standing === "out_of_cohort" && begunAt !== null)
  if (mayBeCopied) return undefined
  const what = standing.replaceAll("_", " ")
  return `${what} since the last discovery, by the rule ${standingReason}; run discover to look again`
}
