import type { OpenRun } from "../../../ledger/views.ts"
import { type Html, html } from "../../../support/html.ts"
import { bytes, plural } from "../../../support/text.ts"
import type { RenderContext } from "../../page.ts"
import { badge, nothing, panel } from "../../parts/panel.ts"
import { fromNow, moment } from "../../parts/time.ts"
import { isCopying, type Now, type RunningNow } from "./read.ts"

/** Runs that live, and those that died without a word. */
export function renderRunning({ running, died }: Now, context: RenderContext): Html {
  if (running.length + died.length === 0) return panel("Running", nothing("Nothing runs."))
  const lines = [
    ...running.map((run) => lineOf(run, badge("alive", "good"), doneOf(run), context)),
    ...died.map((run) =>
      lineOf(
        run,
        badge("died", "bad"),
        "It ended without a word; the next run takes over what it held.",
        context,
      ),
    ),
  ]
  return panel("Running", html`<ul class="plain">${lines}</ul>`)
}

function lineOf(
  run: OpenRun & { readonly byScheduler?: boolean },
  how: Html,
  what: string,
  context: RenderContext,
): Html {
  const { run_id, script, started_at, host, pid, byScheduler = false } = run
  return html`<li><p><strong>${script}</strong> ${how} <span class="note">run ${run_id}${byScheduler && ", begun by the scheduler"}</span></p>
<p class="note">since ${moment(started_at, context)}, ${fromNow(started_at, context)} · ${host}, pid ${pid}</p>
<p>${what}</p></li>`
}

/** What was moved while it ran; what other scripts do is not counted as they go. */
function doneOf(run: RunningNow): string {
  if (!isCopying(run)) return "It tells what it did when it ends."
  const { copied, adopted, bytes: sent, completed, failed } = run.moved
  const parts = [
    `${plural(copied + adopted, "object")}, ${bytes(sent)}`,
    `${plural(completed, "study", "studies")} complete`,
    ...(failed > 0 ? [`${plural(failed, "try", "tries")} failed`] : []),
  ]
  return `Since it began: ${parts.join("; ")}.`
}
