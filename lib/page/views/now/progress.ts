import { type Html, html } from "../../../support/html.ts"
import { bytes, count, duration, plural } from "../../../support/text.ts"
import type { RenderContext } from "../../page.ts"
import { link } from "../../parts/link.ts"
import { figure, figures, meter, panel } from "../../parts/panel.ts"
import { isEmpty } from "./headline.ts"
import type { Now } from "./read.ts"

/** How far the box is with what it is there for. */
export function renderProgress(now: Now, context: RenderContext): Html {
  if (isEmpty(now)) return panel("Progress", EMPTY)
  const { studies, objects, series } = now.progress
  const all = studies.complete + studies.due
  const percent = percentOf(studies.complete, all)
  return panel(
    "Progress",
    html`<div class="hero">
<p><strong>${percent}</strong> ${count(studies.complete)} of ${plural(all, "study", "studies")} complete</p>
<p class="note">${leftOf(now)}</p>
</div>
${meter(`${percent} of the studies are complete`, studies.complete, all)}
${figures([
  figure("Objects copied", count(objects.copied), `${bytes(objects.bytes)} at the destination`),
  figure("Objects waiting", count(objects.waiting), objects.waiting === 0 ? "none left" : "not copied yet"),
  figure("Series packed", count(series.packed), seriesNote(series)),
  figure(
    "Studies known",
    count(studies.eligible + studies.outOfCohort + studies.withdrawn),
    standings(studies),
  ),
])}
<p class="line">${failuresLine(now, context)}</p>`,
    "complete: all of a study is at the destination, and its receipt says so",
  )
}

const EMPTY = html`<p class="nothing">The ledger is empty. The next run discovers what there is to copy; so does <code>bun run discover</code>, at once.</p>`

/** Rounded down, so that 100 % means all. */
function percentOf(n: number, all: number): string {
  return all === 0 ? "–" : `${(Math.floor((n / all) * 1000) / 10).toFixed(1)} %`
}

function leftOf({ progress, rate }: Now): string {
  const { due } = progress.studies
  if (due === 0) return "Nothing is left to do."
  const left = `${plural(due, "study", "studies")} left`
  const eta = rate?.eta_seconds ?? undefined
  if (rate === null) return `${left}; nothing copies just now`
  // It is told of objects that wait; what else is left takes its own time.
  return eta === undefined || progress.objects.waiting === 0
    ? left
    : `${left}; at this pace in ${duration(eta * 1000)}`
}

function seriesNote({ waiting, failed }: Now["progress"]["series"]): string {
  const parts = [waiting > 0 && `${count(waiting)} waiting`, failed > 0 && `${count(failed)} failed`].filter(
    Boolean,
  )
  return parts.length === 0 ? "none waiting" : parts.join(", ")
}

function standings({ outOfCohort, withdrawn }: Now["progress"]["studies"]): string {
  const parts = [
    outOfCohort > 0 && `${count(outOfCohort)} out of the cohort`,
    withdrawn > 0 && `${count(withdrawn)} withdrawn`,
  ].filter(Boolean)
  return parts.length === 0 ? "all eligible" : parts.join(", ")
}

function failuresLine({ failures: { retry, missing, givenUp } }: Now, context: RenderContext): Html {
  const all = retry + missing + givenUp
  if (all === 0) return html`<span class="good">Nothing failed.</span>`
  const kinds = [
    [retry, "tried again by the next run"],
    [missing, "missing at the origin and looked for again"],
    [givenUp, "given up until somebody asks"],
  ] as const
  const some = kinds.filter(([n]) => n > 0)
  const told = some.map(([n, what]) => (some.length > 1 ? `${count(n)} ${what}` : what)).join(", ")
  const words = plural(all, "failure", "failures")
  return html`<span class="${givenUp > 0 ? "bad" : "warn"}">${link("/failures", words, context)}</span>: ${told}.`
}
