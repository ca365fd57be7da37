import { NOTHING_MOVED, sumOf } from "../../../ledger/tally.ts"
import { type Html, html } from "../../../support/html.ts"
import { bytes, count, duration, plural } from "../../../support/text.ts"
import type { PageRequest, RenderContext, View } from "../../page.ts"
import { studyLink } from "../../parts/link.ts"
import { figure, figures, nothing, panel } from "../../parts/panel.ts"
import { plot } from "../../parts/plot.ts"
import type { PlotData } from "../../parts/plot-data.ts"
import { table } from "../../parts/table.ts"
import { moment } from "../../parts/time.ts"
import { renderAdopted } from "./adopted.ts"
import { type History, type MovedOn, readHistory } from "./read.ts"
import { renderRuns } from "./runs.ts"

/** What was done. */
export function historyView({ deps, context }: PageRequest): View {
  return { title: "History", nav: "History", body: renderHistory(readHistory(deps), context) }
}

export function renderHistory(history: History, context: RenderContext): Html {
  if (history.runs.length === 0) return panel("Nothing was done yet", EMPTY)
  return html`${renderDays(history)}
<div class="columns">
${renderAdopted(history)}
${renderFolded(history)}
</div>
${renderSlowest(history, context)}
${renderRuns(history.runs, context)}`
}

const EMPTY = nothing("Every run is remembered here, and what it moved on each day.")

function renderDays({ days }: History): Html {
  const all = days.reduce(sumOf, NOTHING_MOVED)
  const busy = days.filter(({ copied, adopted, completed }) => copied + adopted + completed > 0)
  const most = busy.reduce<MovedOn | undefined>(
    (a, b) => (a === undefined || b.bytes > a.bytes ? b : a),
    undefined,
  )
  const summary = `${plural(all.completed, "study", "studies")}, ${bytes(all.bytes)}, on ${plural(busy.length, "day")}`
  return panel(
    `The last ${days.length} days`,
    html`${figures([
      figure("Studies completed", count(all.completed), plural(busy.length, "busy day")),
      figure(
        "Bytes sent",
        bytes(all.bytes),
        most === undefined ? undefined : `${bytes(most.bytes)} on the busiest day`,
      ),
      figure("Objects copied", count(all.copied), `${count(all.adopted)} adopted`),
      figure("Tries failed", count(all.failed), failedNote(all.failed, all.copied + all.adopted)),
    ])}
${plot("By the day", busy.length === 0 ? "nothing moved" : summary, plotOf(days))}`,
  )
}

function failedNote(failed: number, succeeded: number): string {
  if (failed === 0) return "none"
  return `${((failed / (failed + succeeded)) * 100).toPrecision(2)} % of all`
}

/** A day is drawn at its midnight in UTC, so that none is longer than another where the clock is moved. */
function plotOf(days: readonly MovedOn[]): PlotData {
  return {
    times: days.map(({ day }) => Date.parse(day) / 1000),
    series: [
      { label: "Bytes sent", unit: "bytes", values: days.map((day) => day.bytes) },
      { label: "Studies completed", unit: "count", values: days.map((day) => day.completed) },
    ],
    bars: true,
    timezone: "UTC",
  }
}

function renderSlowest({ slowest }: History, context: RenderContext): Html {
  if (slowest.length === 0) return panel("Slowest studies", nothing("No study took ten seconds or more."))
  return panel(
    "Slowest studies",
    table(
      "Slowest studies",
      [
        { heading: "Study", isCode: true },
        { heading: "Held for", isNumber: true },
        { heading: "Objects", isNumber: true },
        { heading: "Size", isNumber: true },
        { heading: "Complete" },
        { heading: "Organization", isCode: true },
      ],
      slowest.map(({ studyId, organizationId, seconds, completedAt, objects, bytes: size }) => [
        studyLink(studyId, context),
        duration(seconds * 1000),
        objects,
        bytes(size),
        completedAt === null ? "not yet" : moment(completedAt, context),
        organizationId,
      ]),
    ),
    "by how long copies held them, all their tries together",
  )
}

const OUTCOMES: Readonly<Record<string, string>> = {
  copied: "copied",
  adopted: "adopted: it stood there already",
  unchanged: "unchanged since it was copied",
  failed: "failed",
  missing: "missing at the origin",
  interrupted: "interrupted",
}

function renderFolded({ folded }: History): Html {
  const heading = "Older tries"
  if (folded.length === 0)
    return panel(heading, nothing("Tries are told one by one for 90 days; none is older."))
  const [from, to] = [
    folded.map((line) => line.from).sort()[0]!,
    folded
      .map((line) => line.to)
      .sort()
      .at(-1)!,
  ]
  return panel(
    heading,
    table(
      heading,
      [
        { heading: "How they ended" },
        { heading: "Tries", isNumber: true },
        { heading: "Sent", isNumber: true },
      ],
      folded.map(({ outcome, tries, bytes: sent }) => [OUTCOMES[outcome] ?? outcome, tries, bytes(sent)]),
    ),
    `${from} to ${to}, kept as daily totals`,
  )
}
