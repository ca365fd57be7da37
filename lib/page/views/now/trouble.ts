import { type Html, html } from "../../../support/html.ts"
import { plural } from "../../../support/text.ts"
import type { RenderContext } from "../../page.ts"
import { link, studyLink } from "../../parts/link.ts"
import { panel } from "../../parts/panel.ts"
import { fromNow } from "../../parts/time.ts"
import type { Now } from "./read.ts"

/** So many are named; the others are counted. */
const MOST = 5

/** What a person has to do something about; nothing, when there is nothing of it. */
export function renderTrouble(now: Now, context: RenderContext): Html {
  return html`${wrongBytes(now, context)}${hangingLocks(now, context)}`
}

function wrongBytes({ wrongBytes: wrong }: Now, context: RenderContext): Html | false {
  if (wrong.length === 0) return false
  const lines = wrong
    .slice(0, MOST)
    .map(
      ({ study_id, key, detail }) =>
        html`<li><code>${key}</code><span class="note">generation ${detail} · study ${studyLink(study_id, context)}</span></li>`,
    )
  const what = html`<p>Deleting them was refused. Delete these generations by hand; until then nobody may take them for images.</p>`
  return alarm("Wrong bytes at the destination", what, lines, wrong.length)
}

function hangingLocks({ hangingLocks: hanging }: Now, context: RenderContext): Html | false {
  if (hanging.length === 0) return false
  const lines = hanging
    .slice(0, MOST)
    .map(
      ({ series_uri, hanging_since, why }) =>
        html`<li><code>${series_uri}</code><span class="note">${fromNow(hanging_since, context)}: ${why}</span></li>`,
    )
  const what = html`<p>Nobody writes these series before you have looked. What to do stands under ${link("/locks", "Locks", context)}.</p>`
  return alarm("Hanging locks", what, lines, hanging.length)
}

function alarm(heading: string, what: Html, lines: readonly Html[], all: number): Html {
  const more = all - lines.length
  return html`<div class="alarm">${panel(
    heading,
    html`${what}<ul class="plain">${lines}</ul>${more > 0 && html`<p class="note">and ${plural(more, "more", "more")}</p>`}`,
  )}</div>`
}
