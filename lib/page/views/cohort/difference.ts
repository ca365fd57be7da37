import type { DecisionDiff, DoctorMove } from "../../../operate/cohorts-diff.ts"
import { type Html, html } from "../../../support/html.ts"
import { withCommands } from "../../parts/command.ts"
import { badge, nothing, type Tone } from "../../parts/panel.ts"
import { table } from "../../parts/table.ts"
import { parameterName, valueText } from "./parameters.ts"

/** What became of rules, parameters and doctors from one cohort to the next. */
export function difference({ from, to, same_rules, parameters, doctors }: DecisionDiff): Html {
  const facts = [
    same_rules ? "The rules are the same." : "The text of the rules is another one.",
    parameters.length === 0 ? "So is what they were given." : "They were given something else:",
  ]
  return html`<p>${facts.join(" ")}</p>
${parameters.length > 0 && html`<dl class="pairs apart">${parameters.map(({ name, from: was, to: is }) => html`<dt>${parameterName(name)}</dt><dd>${valueText(was)} became ${valueText(is)}</dd>`)}</dl>`}
${doctorsTable(doctors)}
<p class="note">${withCommands(`Which studies came and went, and by which rule: bun run cohorts diff ${from.cohort} ${to.cohort}`)}</p>`
}

const TONES: Readonly<Record<DoctorMove["change"], Tone>> = { came: "good", went: "warn", stayed: "quiet" }

function doctorsTable(doctors: readonly DoctorMove[]): Html {
  if (doctors.length === 0) return nothing("No doctor was chosen in either.")
  const rank = (value: number | null) => (value === null ? "not ranked" : value)
  return table(
    "Doctors that one of the two cohorts chose",
    [
      { heading: "User", isCode: true },
      { heading: "Chosen" },
      { heading: "Rank then", isNumber: true },
      { heading: "Now", isNumber: true },
      { heading: "Studies then", isNumber: true },
      { heading: "Now", isNumber: true },
    ],
    doctors.map((doctor) => [
      doctor.user_id,
      badge(doctor.change, TONES[doctor.change]),
      rank(doctor.from_rank),
      rank(doctor.to_rank),
      doctor.from_studies,
      doctor.to_studies,
    ]),
  )
}
