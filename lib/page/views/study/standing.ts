import type { Html } from "../../../support/html.ts"
import { count } from "../../../support/text.ts"
import { badge } from "../../parts/panel.ts"

/** What tells how a study stands. */
export interface StudyState {
  readonly standing: "eligible" | "out_of_cohort" | "withdrawn"
  readonly completedAt: string | null
  readonly verdict: "retry" | "give-up" | null
  /** Failed and missing objects. */
  readonly troubled: number
  readonly isClaimed: boolean
}

/** How a study stands, in a word or two: what somebody has to know first. */
export function standingBadge({ standing, completedAt, verdict, troubled, isClaimed }: StudyState): Html {
  if (isClaimed) return badge("being copied", "busy")
  if (standing === "withdrawn") return badge("withdrawn", "quiet")
  if (completedAt !== null) return badge("complete", "good")
  if (verdict === "give-up") return badge("given up", "bad")
  if (troubled > 0) return badge(`${count(troubled)} failed`, "bad")
  if (verdict === "retry") return badge("tried again", "warn")
  return standing === "out_of_cohort" ? badge("out of cohort", "quiet") : badge("waiting", "warn")
}
