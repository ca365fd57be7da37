import type { NextStep } from "../../../operate/why-step.ts"
import { type Html, html } from "../../../support/html.ts"
import { bytes, count, plural } from "../../../support/text.ts"
import { toldOf } from "../../actions/told.ts"
import type { PageRequest, RenderContext, View } from "../../page.ts"
import { badge, figure, figures, panel, type Tone } from "../../parts/panel.ts"
import { retryForm } from "../../parts/retry-form.ts"
import { day, fromNow, moment } from "../../parts/time.ts"
import { modalitiesText } from "./modalities.ts"
import { objectBadge } from "./object-badge.ts"
import { objectsPanel } from "./objects.ts"
import { readStudy, type StudyData } from "./read.ts"
import { seriesPanel } from "./series-cards.ts"
import { standingBadge } from "./standing.ts"

/** `/studies/:studyId`: all that is known of a study, and what will happen to it. */
export async function studyView(request: PageRequest): Promise<View | undefined> {
  const data = await readStudy(request)
  if (data === undefined) return undefined
  const { studyId } = data.outlook.study
  const body = html`${toldOf(request)}${renderStudy(data, request.context)}`
  return { title: `Study ${studyId}`, nav: "Browse", body }
}

export function renderStudy(data: StudyData, context: RenderContext): Html {
  return html`${standing(data, context)}
<div class="columns">
${nextPanel(data, context)}
${missingPanel(data)}
</div>
${seriesPanel(data, context)}
${objectsPanel(data, context)}
${timelinePanel(data, context)}`
}

function standing({ outlook, notes, seriesCount }: StudyData, context: RenderContext): Html {
  const { study, claim, troubled, firstSeenAt } = outlook
  const state = standingBadge({ ...study, troubled: troubled.length, isClaimed: claim !== undefined })
  const because = study.standingReason === null ? undefined : `by the rule ${study.standingReason}`
  const since =
    study.completedAt === null
      ? html`seen ${fromNow(firstSeenAt, context)}`
      : moment(study.completedAt, context)
  const signed = study.newestSignedAt
  return panel(
    "How it stands",
    figures([
      figure("State", state, because ?? since),
      figure("Signed", signed === null ? "not yet" : day(signed, context)),
      figure("Doctor", study.doctorRank === null ? "none" : `rank ${count(study.doctorRank)}`),
      figure("Modalities", modalitiesText(notes.modalities)),
      figure("Images", count(notes.images), `in ${count(seriesCount)} series`),
      figure("Copied", bytes(notes.bytes), `${count(notes.objects)} objects`),
    ]),
    html`organization <code>${study.organizationId}</code>`,
  )
}

const WHEN: Readonly<Record<NextStep["when"], Tone>> = {
  now: "busy",
  "next run": "busy",
  never: "warn",
  done: "good",
  unknown: "quiet",
}

function nextPanel(data: StudyData, context: RenderContext): Html {
  const { next, outlook } = data
  const steps = next.map(
    ({ when, what, not_before, unless, command }) =>
      html`<li>${badge(when, WHEN[when])} <span>${what}${not_before !== null && html`, not before ${moment(not_before, context)}`}${unless !== null && html`, unless ${unless}`}</span>${command !== null && html`<code class="command">${command}</code>`}</li>`,
  )
  const retry = hasGivenUp(data) && retryForm({ studyId: outlook.study.studyId }, context, "study")
  return panel("What happens next", html`<ul class="steps">${steps}</ul>${retry}`, "by the ledger alone")
}

/** Whether there is anything that was given up and could be asked for again: what is under a lock that hangs could not. */
function hasGivenUp({ outlook }: StudyData): boolean {
  const { study, troubled, packing } = outlook
  const { series, unpacked, unpackable } = packing
  return (
    [study, ...troubled, ...unpacked].some(({ verdict }) => verdict === "give-up") ||
    unpackable.length > 0 ||
    series.some(
      ({ verdict, thumbnail, hangingSince }) =>
        (verdict === "give-up" || thumbnail === "failed") && hangingSince === null,
    )
  )
}

/** Of the states of objects, those that people act upon come first. */
function missingPanel({ outlook: { objects, study } }: StudyData): Html {
  const rows = objects.filter(({ state }) => state !== "retired")
  const line = ({ kind, state, count: n, bytes: size }: (typeof rows)[number]) =>
    html`<li>${objectBadge(state)} <span>${KINDS[kind](n)}${size > 0 && html` <span class="note">${bytes(size)}</span>`}</span></li>`
  const whole =
    study.verdict !== null &&
    html`<li>${badge(study.verdict, "bad")} <span>the study as a whole: ${study.errorClass}: ${study.errorMessage}</span></li>`
  return panel("What there is of it", html`<ul class="steps">${whole}${rows.map(line)}</ul>`)
}

const KINDS = {
  metadata: () => "metadata",
  report: (n: number) => plural(n, "report"),
  dicom: (n: number) => plural(n, "image"),
} as const

function timelinePanel({ timeline }: StudyData, context: RenderContext): Html {
  const entries = timeline.lines.map(
    ({ at, what, detail }) =>
      html`<li><span class="when">${moment(at, context)}</span><strong>${what.replaceAll("_", " ")}</strong><span class="note">${detail}</span></li>`,
  )
  const note = timeline.next === undefined ? undefined : `the latest ${count(timeline.lines.length)}`
  return panel("Timeline", html`<ol class="timeline">${entries}</ol>`, note)
}
