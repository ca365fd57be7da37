import { type Html, html } from "../../../support/html.ts"
import { bytes, count, duration, plural } from "../../../support/text.ts"
import type { RenderContext } from "../../page.ts"
import { studyLink } from "../../parts/link.ts"
import { meter, nothing, panel } from "../../parts/panel.ts"
import { table } from "../../parts/table.ts"
import { isCopying, type Now } from "./read.ts"

/** More lines than that are counted only. */
const MOST = 24

/** Studies that are copied, or packed, right now. While a copy runs there is a line for each of its places. */
export function renderStudies({ studies, running, places, at }: Now, context: RenderContext): Html | false {
  if (studies.length === 0 && !running.some(isCopying)) return false
  const free = running.some(isCopying) ? Math.max(0, Math.min(places, MOST) - studies.length) : 0
  return panel(
    "Studies in flight",
    html`${table(
      "Studies in flight",
      [
        { heading: "Study", isCode: true },
        { heading: "Objects", isNumber: true },
        { heading: "Done" },
        { heading: "Size", isNumber: true },
        { heading: "For", isNumber: true },
        { heading: "Organization", isCode: true },
      ],
      [
        ...studies
          .slice(0, MOST)
          .map(({ studyId, organizationId, since, done, objects, bytes: size }) => [
            studyLink(studyId, context),
            `${count(done)} of ${count(objects)}`,
            meter(`objects of ${studyId}`, done, objects),
            bytes(size),
            duration(at.getTime() - Date.parse(since)),
            organizationId,
          ]),
        ...Array.from({ length: free }, () => [html`<span class="quiet">free</span>`, "", "", "", "", ""]),
      ],
    )}${more(studies.length)}`,
    plural(studies.length, "study", "studies"),
  )
}

/** Series that are packed right now, while anything runs: by the study that one comes to them from. */
export function renderSeries({ series, running, at }: Now, context: RenderContext): Html | false {
  if (series.length === 0 && running.length === 0) return false
  if (series.length === 0) return panel("Series being packed", nothing("No series is being packed."))
  return panel(
    "Series being packed",
    html`${table(
      "Series being packed",
      [
        { heading: "Of study", isCode: true },
        { heading: "Files", isNumber: true },
        { heading: "For", isNumber: true },
      ],
      series
        .slice(0, MOST)
        .map(({ studyId, files, since }) => [
          studyId === null ? "" : studyLink(studyId, context),
          files,
          duration(at.getTime() - Date.parse(since)),
        ]),
    )}${more(series.length)}`,
    plural(series.length, "series", "series"),
  )
}

export function renderSpool({ spool: { files, bytes: used, capacity } }: Now): Html {
  return panel(
    "Spool",
    html`<p>${bytes(used)} of ${bytes(capacity)}</p>
${meter("room taken in the spool", used, capacity)}
<p class="note">${files === 0 ? "empty" : plural(files, "file")}; objects wait there between download, upload and packing</p>`,
  )
}

function more(all: number): Html | false {
  return all > MOST && html`<p class="note">and ${count(all - MOST)} more</p>`
}
