import { type Html, html } from "../../support/html.ts"

/** What changes over time, as it is drawn. Times are seconds since 1970, values one for each time. */
export interface PlotData {
  readonly times: readonly number[]
  readonly series: readonly PlotSeries[]
  /** Bars, each of a span of its own, instead of lines (false). */
  readonly bars?: boolean
  /** In which times are shown. */
  readonly timezone: string
}

export interface PlotSeries {
  readonly label: string
  readonly unit: "bytes" | "bytes/s" | "count" | "count/s"
  /** Null where nothing is known. */
  readonly values: readonly (number | null)[]
}

/**
 * A plot, drawn by the page's script; its height is the same before and after. The summary says in words what it shows, to
 * those who do not see it and where there is no script.
 */
export function plot(caption: string, summary: string, data: PlotData): Html {
  return html`<figure class="plot">
<figcaption>${caption}<span class="note">${summary}</span></figcaption>
<div class="canvas" role="img" aria-label="${caption}: ${summary}" data-plot="${JSON.stringify(data)}"></div>
</figure>`
}
