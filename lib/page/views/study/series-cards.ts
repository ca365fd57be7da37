import type { SeriesLine } from "../../../ledger/page/study.ts"
import { type Html, html } from "../../../support/html.ts"
import { bytes, count, plural } from "../../../support/text.ts"
import type { RenderContext } from "../../page.ts"
import { link } from "../../parts/link.ts"
import { pager } from "../../parts/pager.ts"
import { badge, nothing, panel, type Tone } from "../../parts/panel.ts"
import { noPicture, seriesStill, seriesThumbnail } from "../../parts/picture.ts"
import { uid } from "../../parts/uid.ts"
import { NotShown } from "../../series/not-shown.ts"
import type { SeriesSummary } from "../../series/summary.ts"
import type { StudyData } from "./read.ts"

/** The series of a study, each with its thumbnail. */
export function seriesPanel(
  { series, stored, seriesCount, outlook }: StudyData,
  context: RenderContext,
): Html {
  if (seriesCount === 0) return panel("Series", nothing("No image of it is copied and read yet."))
  const cards = series.lines.map((line) => card(line, stored.get(line.seriesNo), context))
  const address = `${context.base}/studies/${encodeURIComponent(outlook.study.studyId)}`
  const links = [
    { text: "First", href: series.from === 0 ? undefined : `${address}#panel-series` },
    {
      text: "Next",
      href: series.next === undefined ? undefined : `${address}?series=${series.next}#panel-series`,
    },
  ]
  const note =
    seriesCount > series.lines.length ? `${count(series.lines.length)} of ${count(seriesCount)}` : undefined
  return panel(
    "Series",
    html`<ul class="series">${cards}</ul>${!context.isStatic && pager("Series", links)}`,
    note,
  )
}

function card(line: SeriesLine, stored: SeriesSummary | NotShown | undefined, context: RenderContext): Html {
  const { seriesNo, seriesUid, errorClass, errorMessage } = line
  const summary = stored instanceof NotShown ? undefined : stored
  const title = summary === undefined ? `Series ${seriesNo}` : titleOf(summary, seriesNo)
  return html`<li>
<div class="frame">${thumbnailOf(line, stored, title, context)}</div>
<div class="facts">
<h3>${link(`/series/${seriesNo}`, title, context)}</h3>
<p>${seriesBadge(line)} ${summary?.hasBurnedInText && BURNED_IN}</p>
${summary !== undefined && html`<p>${factsOf(summary)}</p>`}
<p class="note">${fatesOf(line)}${stored instanceof NotShown && ` · ${stored.message}`}</p>
<p class="note">Series ${uid(seriesUid)}</p>
${errorClass !== null && html`<p class="why bad">${errorClass}: ${errorMessage}</p>`}
</div>
</li>`
}

/** Said of pictures that have text within: nobody knows what it says. */
export const BURNED_IN = badge("text in the picture", "warn")

/** `DX, chest, PA`. */
export function titleOf({ modality, bodyPart, views }: SeriesSummary, seriesNo: number): string {
  const words = [modality, bodyPart?.toLowerCase(), ...views.slice(0, 3)].filter((word) => word !== undefined)
  return words.length === 0 ? `Series ${seriesNo}` : words.join(", ")
}

function factsOf({ images, frames, rows, columns, transferSyntax, tarBytes }: SeriesSummary): string {
  return [
    plural(images, "image"),
    ...(frames > images ? [plural(frames, "frame")] : []),
    ...(rows !== undefined && columns !== undefined ? [`${count(columns)} × ${count(rows)}`] : []),
    ...(transferSyntax !== undefined ? [transferSyntax] : []),
    ...(tarBytes !== undefined ? [`tar of ${bytes(tarBytes)}`] : ["no tar"]),
  ].join(" · ")
}

/** What became of this study's files in it. */
function fatesOf({ added, same, conflict, error, waiting }: SeriesLine): string {
  const fates = [
    [added, "new"],
    [same, "the same"],
    [conflict, "in conflict"],
    [error, "in error"],
    [waiting, "waiting"],
  ] as const
  return fates.flatMap(([n, name]) => (n > 0 ? [`${count(n)} ${name}`] : [])).join(" · ")
}

const TONES: Readonly<Record<SeriesLine["state"], Tone>> = { packed: "good", waiting: "warn", failed: "bad" }

export function seriesBadge({ state, hangingSince }: Pick<SeriesLine, "state" | "hangingSince">): Html {
  return hangingSince === null ? badge(state, TONES[state]) : badge("lock hangs", "bad")
}

function thumbnailOf(
  { seriesNo, packedAt, thumbnail }: SeriesLine,
  stored: SeriesSummary | NotShown | undefined,
  title: string,
  context: RenderContext,
): Html {
  if (context.isStatic || packedAt === null) return noPicture("not packed yet")
  if (thumbnail === "nothing to show") return noPicture("no pixels")
  if (thumbnail === "failed") return noPicture("no thumbnail")
  if (stored === undefined || stored instanceof NotShown) return seriesStill(seriesNo, title, context)
  if (stored.thumbnail === undefined) return noPicture("no thumbnail yet")
  return seriesThumbnail(seriesNo, stored.thumbnail, title, context)
}
