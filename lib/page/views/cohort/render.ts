import type { RankedDoctor } from "../../../ledger/cohorts.ts"
import { type Html, html } from "../../../support/html.ts"
import { count, plural } from "../../../support/text.ts"
import type { RenderContext } from "../../page.ts"
import { withCommands } from "../../parts/command.ts"
import { badge, figure, figures, nothing, panel } from "../../parts/panel.ts"
import { table } from "../../parts/table.ts"
import { moment, momentText } from "../../parts/time.ts"
import { difference } from "./difference.ts"
import { funnelTable } from "./funnel.ts"
import { parameterName, valueText } from "./parameters.ts"
import type { CohortData } from "./read.ts"

/** @param pin the cohort that the configuration names; its doctors stay the chosen ones */
export function renderCohort(
  data: CohortData | undefined,
  pin: number | undefined,
  context: RenderContext,
): Html {
  if (data === undefined)
    return panel("Cohort", nothing(withCommands("No discovery yet. It is the first step of: bun run run")))
  const { cohort, before } = data
  return html`${choice(data, context)}
${summary(data, pin, context)}
${panel("Funnel", funnelTable(cohort.funnel, before?.cohort), "each rule holds for what those above it left")}
<div class="columns">${panel("Ranking", rankingTable(data), rankingNote(data))}
<div>${panel("Rules and parameters", decision(data))}
${changes(data)}</div></div>
${before && panel(`Since cohort ${before.cohort.cohortId}`, difference(before.diff), html`decided ${moment(before.cohort.decidedAt, context)}`)}`
}

function choice({ cohort, choices }: CohortData, context: RenderContext): Html {
  if (context.isStatic || choices.length < 2) return html``
  const isListed = choices.some(({ cohortId }) => cohortId === cohort.cohortId)
  const all = isListed ? choices : [...choices, cohort]
  return html`<form class="filters" method="get" action="${context.base}/cohort">
<label>Cohort<select name="cohort">${all.map(({ cohortId, decidedAt }) => html`<option value="${cohortId}"${cohortId === cohort.cohortId && html` selected`}>${cohortId}: ${momentText(decidedAt, context)}</option>`)}</select></label>
<button>Show</button>
</form>`
}

function summary(
  { cohort, chosen, ranked }: CohortData,
  pin: number | undefined,
  context: RenderContext,
): Html {
  const { cohortId, decidedAt, runId, script, funnel, parameters } = cohort
  const pinned = parameters.pinned_cohort
  const body = html`${figures([
    figure("Cohort", `${cohortId}`, html`decided ${moment(decidedAt, context)}`),
    figure("Eligible studies", count(funnel.at(-1)?.studies ?? 0), `of ${count(funnel[0]?.studies ?? 0)}`),
    figure("Chosen doctors", count(chosen), `of ${count(ranked)} ranked`),
    figure("Decided by", `run ${runId}`, script),
  ])}
${typeof pinned === "number" && html`<p class="remark">${badge("pinned", "busy")} Its doctors are those of cohort ${pinned}; nobody was ranked anew.</p>`}
${pin !== undefined && pin !== pinned && html`<p class="remark">${badge("pinned", "busy")} COHORT_PIN is ${pin}: the next discovery takes the doctors of that cohort.</p>`}`
  return panel("Discovery", body)
}

function rankingTable({ ranking }: CohortData): Html {
  if (ranking.length === 0) return nothing("No doctor was ranked.")
  return table(
    "Doctors by the chest studies that they signed",
    [
      { heading: "Rank", isNumber: true },
      { heading: "User", isCode: true },
      { heading: "Studies", isNumber: true },
      { heading: "Cohort" },
    ],
    ranking.map(({ rank, userId, studies, chosen }: RankedDoctor) => [
      rank,
      userId,
      studies,
      chosen && badge("chosen", "good"),
    ]),
  )
}

function rankingNote({ ranking, ranked }: CohortData): string {
  const part = ranking.length < ranked ? `, the first ${count(ranking.length)} of ${count(ranked)}` : ""
  return `by signed chest studies${part}`
}

function decision({ cohort: { parameters, rulesHash }, rulesText }: CohortData): Html {
  return html`<dl class="pairs apart">
${Object.entries(parameters).map(([name, value]) => html`<dt>${parameterName(name)}</dt><dd>${valueText(value)}</dd>`)}
<dt>fingerprint of the rules</dt><dd class="code">${rulesHash}</dd>
</dl>
<details><summary>The rules in words</summary><pre>${rulesText}</pre></details>`
}

const CHANGES = [
  ["new", "first seen"],
  ["changed", "changed at the source"],
  ["withdrawn", "withdrawn: no longer eligible by themselves"],
  ["out_of_cohort", "out of the cohort: only the ranking moved"],
  ["unchanged", "unchanged"],
] as const

/** What the discovery did to the ledger. */
function changes({ cohort: { counts } }: CohortData): Html {
  const body =
    counts === null
      ? nothing("The discovery did not get to its end; the next one reads all of it again.")
      : html`<dl class="pairs apart numbers">${CHANGES.map(([name, text]) => html`<dt>${text}</dt><dd>${plural(counts[name] ?? 0, "study", "studies")}</dd>`)}</dl>`
  return panel("What it changed", body)
}
