import { type Html, html } from "../../../support/html.ts"
import { count } from "../../../support/text.ts"
import type { RenderContext } from "../../page.ts"
import { facts } from "../../parts/facts.ts"
import { badge, panel } from "../../parts/panel.ts"
import { fromNow, moment } from "../../parts/time.ts"
import { durationOf, outcomeBadge } from "../history/runs.ts"
import type { Now } from "./read.ts"

/** What begins when, and by whom. */
export function renderSchedule(now: Now, context: RenderContext): Html {
  const { lastRun, outlook } = now
  return panel(
    "Schedule",
    facts([
      ["Next run", nextRun(now, context)],
      ["Scheduler", schedulerOf(now, context)],
      ...(outlook.catch_up === null ? [] : [["To make up for", catchUp(outlook.catch_up, context)] as const]),
      ["Tried again", retries(now, context)],
      [
        "Last run",
        lastRun === undefined
          ? "none yet"
          : html`${outcomeBadge(lastRun, context)} ${fromNow(lastRun.endedAt ?? lastRun.startedAt, context)}<span class="note">run ${lastRun.runId} (${lastRun.script}) took ${durationOf(lastRun, context)}</span>`,
      ],
    ]),
  )
}

function nextRun({ outlook: { next }, scheduler }: Now, context: RenderContext): Html | string {
  const [first] = next
  if (first === undefined) return "never, as SCHEDULE_CRON is set"
  const when = html`${fromNow(first, context)}<span class="note">${moment(first, context)}</span>`
  return scheduler === undefined ? html`${when}<span class="note">if a scheduler lives by then</span>` : when
}

function schedulerOf({ scheduler, schedulerDied }: Now, context: RenderContext): Html {
  if (scheduler === undefined)
    return html`${schedulerDied ? badge("died", "bad") : badge("not there", "warn")}<span class="note">nothing begins by itself; <code>bun run schedule</code> starts it</span>`
  const { started_at, host, pid } = scheduler
  return html`${badge("alive", "good")}<span class="note">since ${moment(started_at, context)} · ${host}, pid ${pid}</span>`
}

function catchUp({ reason, due_at }: NonNullable<Now["outlook"]["catch_up"]>, context: RenderContext): Html {
  const what = reason === "missed" ? "nobody was there when it was due" : "it was cut off"
  return html`the run of ${moment(due_at, context)}<span class="note">${what}; a scheduler that starts now begins with it</span>`
}

/** Every run tries everything again that may succeed by itself. */
function retries(
  { failures: { retry, missing }, outlook: { next } }: Now,
  context: RenderContext,
): Html | string {
  if (retry + missing === 0) return "nothing waits for another try"
  const [first] = next
  const what = [
    retry > 0 && `${count(retry)} that failed`,
    missing > 0 && `${count(missing)} that were missing`,
  ]
  return html`${what.filter(Boolean).join(", ")}<span class="note">by the next run${first !== undefined && html`, ${fromNow(first, context)}`}</span>`
}
