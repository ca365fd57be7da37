import { type Html, html } from "../../../support/html.ts"
import type { RenderContext } from "../../page.ts"
import { headline } from "./headline.ts"
import { renderSeries, renderSpool, renderStudies } from "./in-flight.ts"
import { renderProgress } from "./progress.ts"
import type { Now } from "./read.ts"
import { renderRunning } from "./running.ts"
import { renderSchedule } from "./schedule.ts"
import { renderSpeed } from "./speed.ts"
import { renderTrouble } from "./trouble.ts"

/** All that moves of the view: what matters most first, what changes its height last. */
export function drawNow(now: Now, context: RenderContext): Html {
  return html`${headline(now)}
${renderTrouble(now, context)}
${renderProgress(now, context)}
${renderSpeed(now, context)}
<div class="columns">
<div>${renderRunning(now, context)}${renderSpool(now)}</div>
${renderSchedule(now, context)}
</div>
${renderStudies(now, context)}
${renderSeries(now, context)}`
}
