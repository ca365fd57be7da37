import type { FunnelLine } from "../../../ledger/cohorts.ts"
import { RULES } from "../../../source/rows.ts"
import { RULE_TEXTS } from "../../../source/rules.ts"
import { type Html, html } from "../../../support/html.ts"
import { count } from "../../../support/text.ts"
import { meter, nothing } from "../../parts/panel.ts"
import { type Column, table } from "../../parts/table.ts"

/** What each rule left of all studies, and what it took away; beside it what was left in the cohort before. */
export function funnelTable(
  funnel: readonly FunnelLine[],
  before: { readonly cohortId: number; readonly funnel: readonly FunnelLine[] } | undefined,
): Html {
  const all = funnel[0]?.studies ?? 0
  if (funnel.length === 0) return nothing("This discovery did not count what each rule left.")
  const columns: Column[] = [
    { heading: "A study counts when" },
    { heading: "Left", isNumber: true },
    { heading: "Taken away", isNumber: true },
    { heading: "Share that is left" },
    ...(before === undefined ? [] : [{ heading: `Since cohort ${before.cohortId}`, isNumber: true }]),
  ]
  return table(
    "What each rule left",
    columns,
    funnel.map(({ rule, studies }, n) => [
      ruleText(rule),
      studies,
      n === 0 ? "" : count((funnel[n - 1]?.studies ?? 0) - studies),
      html`<div class="share">${meter(`left after: ${ruleText(rule)}`, studies, all)}</div>`,
      change(studies, before?.funnel.find((line) => line.rule === rule)?.studies),
    ]),
  )
}

/** A rule in words; one of another version of the program by its name. */
function ruleText(name: string): string {
  const rule = RULES.find((each) => each === name)
  if (rule === "no_other_modality") return "its modalities have nothing else but tolerated ones"
  return rule === undefined ? name.replaceAll("_", " ") : RULE_TEXTS[rule]
}

function change(now: number, then: number | undefined): string {
  if (then === undefined) return "–"
  if (now === then) return "same"
  return now > then ? `+${count(now - then)}` : `−${count(then - now)}`
}
