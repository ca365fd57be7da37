import { type Html, html } from "../../../support/html.ts"
import { bytes, plural } from "../../../support/text.ts"
import type { RenderContext } from "../../page.ts"
import { link } from "../../parts/link.ts"
import { pager } from "../../parts/pager.ts"
import { panel } from "../../parts/panel.ts"
import { table } from "../../parts/table.ts"
import { moment } from "../../parts/time.ts"
import { objectBadge } from "./object-badge.ts"
import type { StudyData } from "./read.ts"

type Line = StudyData["objects"]["lines"][number]

/** What is copied of a study, a part at a time. */
export function objectsPanel({ objects, notes, outlook }: StudyData, context: RenderContext): Html {
  const columns = [
    { heading: "Object", isCode: true },
    { heading: "State" },
    { heading: "Size", isNumber: true },
    { heading: "CRC32C", isCode: true },
    { heading: "Tries", isNumber: true },
    { heading: "Copied" },
    { heading: "In its series" },
  ]
  const rows = objects.lines.map((line) => [
    html`${line.path}${problem(line)}`,
    objectBadge(line.state),
    line.size === null ? undefined : bytes(line.size),
    line.crc32c,
    line.tries,
    line.copiedAt === null ? undefined : copied(line, line.copiedAt, context),
    placed(line, context),
  ])
  const address = `${context.base}/studies/${encodeURIComponent(outlook.study.studyId)}`
  const links = [
    { text: "First", href: objects.from === 0 ? undefined : `${address}#panel-objects` },
    {
      text: "Next",
      href: objects.next === undefined ? undefined : `${address}?objects=${objects.next}#panel-objects`,
    },
  ]
  return panel(
    "Objects",
    html`${table("Objects of the study", columns, rows)}${!context.isStatic && pager("Objects", links)}`,
    plural(notes.objects, "object"),
  )
}

function problem({ errorClass, errorMessage, warning }: Line): Html {
  return html`${errorClass !== null && html`<span class="why bad">${errorClass}: ${errorMessage}</span>`}${warning !== null && html`<span class="why warn">${warning}</span>`}`
}

function copied({ copyDeletedAt }: Line, at: string, context: RenderContext): Html {
  if (copyDeletedAt === null) return moment(at, context)
  return html`${moment(at, context)} <span class="note">copy deleted ${moment(copyDeletedAt, context)}, its bytes are in the tar</span>`
}

const RESULTS = { new: "in", same: "same as another in", conflict: "in conflict with", error: "in error in" }

function placed({ seriesNo, result }: Line, context: RenderContext): Html | undefined {
  if (seriesNo === null) return undefined
  const words = result === null ? "waits for" : RESULTS[result]
  return html`${words} ${link(`/series/${seriesNo}`, `series ${seriesNo}`, context)}`
}
