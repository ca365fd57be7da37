import { type Html, html } from "../../support/html.ts"
import { bytes, count } from "../../support/text.ts"
import { nothing } from "./panel.ts"
import type { PlotData, PlotUnit } from "./plot-data.ts"
import { table } from "./table.ts"

/** More lines than that nobody reads. */
const MOST_ROWS = 60

/**
 * A plot, drawn by the page's script; its height is the same before and after. The summary says in words what it shows, and
 * its figures stand in a table that can be opened, for those who do not see it and where there is no script.
 */
export function plot(caption: string, summary: string, data: PlotData): Html {
  return html`<figure class="plot">
<figcaption>${caption}<span class="note">${summary}</span></figcaption>
<div class="canvas" role="img" aria-label="${caption}: ${summary}" data-plot="${JSON.stringify(data)}"></div>
<details><summary>The figures as a table</summary>${figuresOf(caption, data)}</details>
</figure>`
}

/** The latest first; spans in which nothing moved are left out. */
function figuresOf(caption: string, { times, series, bars = false, timezone }: PlotData): Html {
  const isMoved = (n: number) => series.some(({ values }) => (values[n] ?? 0) > 0)
  const moved = [...times.keys()].filter(isMoved).reverse()
  if (moved.length === 0) return nothing("Nothing moved.")
  const written = new Intl.DateTimeFormat("en-GB", {
    timeZone: timezone,
    ...(bars ? { dateStyle: "medium" } : { timeStyle: "short" }),
  })
  return table(
    `${caption}, as figures`,
    [
      { heading: bars ? "Day" : "Minute" },
      ...series.map(({ label }) => ({ heading: label, isNumber: true })),
    ],
    moved
      .slice(0, MOST_ROWS)
      .map((n) => [
        written.format(times[n]! * 1000),
        ...series.map(({ values, unit }) => writtenValue(values[n], unit)),
      ]),
  )
}

function writtenValue(value: number | null | undefined, unit: PlotUnit): string {
  if (value === null || value === undefined) return "–"
  return unit.startsWith("bytes") ? bytes(Math.round(value)) + per(unit) : rate(value) + per(unit)
}

const per = (unit: PlotUnit) => (unit.endsWith("/s") ? "/s" : "")

/** A count, also of parts of one: `0.25`, `7.1`, `1,235`. */
export function rate(value: number): string {
  return value >= 100 || Number.isInteger(value)
    ? count(Math.round(value))
    : String(Number(value.toPrecision(2)))
}
