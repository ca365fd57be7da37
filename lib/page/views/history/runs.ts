import type { PastRun } from "../../../ledger/page/runs.ts"
import { type Html, html } from "../../../support/html.ts"
import { duration } from "../../../support/text.ts"
import type { RenderContext } from "../../page.ts"
import { badge, nothing, panel, type Tone } from "../../parts/panel.ts"
import { table } from "../../parts/table.ts"
import { moment } from "../../parts/time.ts"
import { wordsOf } from "./words.ts"

const TONES: Readonly<Record<string, Tone>> = { done: "good", failed: "bad", stopped: "warn", crashed: "bad" }

/** How a run ended; without an end it is under way as long as its process says that it lives. */
export function outcomeBadge({ outcome, aliveUntil }: PastRun, { now }: RenderContext): Html {
  if (outcome !== null) return badge(outcome, TONES[outcome] ?? "quiet")
  const isAlive = aliveUntil !== null && Date.parse(aliveUntil) > now.getTime()
  return isAlive ? badge("under way", "busy") : badge("died", "bad")
}

/** From its start to its end, or to now; one that died is known to have lived until its last word. */
export function durationOf({ startedAt, endedAt, aliveUntil }: PastRun, { now }: RenderContext): string {
  const known = endedAt ?? aliveUntil ?? startedAt
  const end = Math.min(Date.parse(known), now.getTime())
  return duration(Math.max(0, end - Date.parse(startedAt)))
}

/** The latest runs, newest first. */
export function renderRuns(runs: readonly PastRun[], context: RenderContext): Html {
  if (runs.length === 0) return panel("Runs", nothing("No script has run yet."))
  return panel(
    "Runs",
    table(
      "Runs",
      [
        { heading: "Run" },
        { heading: "Outcome" },
        { heading: "Started" },
        { heading: "Took", isNumber: true },
        { heading: "What it told", isText: true },
      ],
      runs.map((run) => [
        html`${run.script} <span class="note">${run.runId}${run.byScheduler === 1 && ", by schedule"}</span>`,
        outcomeBadge(run, context),
        moment(run.startedAt, context),
        durationOf(run, context),
        wordsOf(run.counts) || "–",
      ]),
    ),
    `the latest ${runs.length === 1 ? "one" : runs.length}, newest first`,
  )
}
