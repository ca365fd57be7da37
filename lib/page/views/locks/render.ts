import type { HeldClaim } from "../../../ledger/claims.ts"
import type { FailureLine } from "../../../ledger/page/failures.ts"
import type { SeriesInFlight } from "../../../ledger/page/in-flight.ts"
import type { LockLine, LockState } from "../../../operate/locks/lines.ts"
import { type Html, html } from "../../../support/html.ts"
import { count, plural } from "../../../support/text.ts"
import type { RenderContext } from "../../page.ts"
import { withCommands } from "../../parts/command.ts"
import { link, studyLink } from "../../parts/link.ts"
import { badge, nothing, panel, type Tone } from "../../parts/panel.ts"
import { table } from "../../parts/table.ts"
import { fromNow } from "../../parts/time.ts"
import type { LocksData } from "./read.ts"

type OwnState = Exclude<LockState, "foreign">

/** What a person has to look at comes first. */
const STATES: readonly (readonly [state: OwnState, heading: string, note: string, tone: Tone])[] = [
  [
    "hanging",
    "Locks that hang",
    "left standing on purpose: nobody writes these series before a person has looked",
    "bad",
  ],
  ["unfinished", "Locks that were left", "their run ended without a word; the next one settles them", "warn"],
  ["held", "Locks that are held", "somebody packs these series right now", "busy"],
]

/** A list of locks is read no further than this. */
const MOST = 50

export function renderLocks(data: LocksData, context: RenderContext): Html {
  const { locks, foreign, studies, series } = data
  const own = STATES.map(([state, heading, note, tone]) => {
    const those = locks.filter((line) => line.state === state)
    return those.length > 0 && panel(heading, lockList(those, tone, context), note)
  })
  return html`${locks.length === 0 && panel("Locks of this ledger", nothing("No lock is held, and none is left."))}
${own}
${panel("Locks of others", foreignList(foreign, context), "met when these series were tried last")}
<div class="columns">${panel("Studies that are claimed", studiesTable(studies, context), plural(studies.length, "study", "studies"))}
${panel("Series that are claimed", seriesTable(series, context), plural(series.length, "series", "series"))}</div>
${panel("Who discovers", discoveryText(data, context))}`
}

function lockList(lines: readonly LockLine[], tone: Tone, context: RenderContext): Html {
  const rest = lines.length - MOST
  return html`<ul class="entries">${lines.slice(0, MOST).map(
    ({ series_uri, state, since, owner, why, generations, what_next }) => html`<li>
<p class="code">${series_uri}</p>
<p class="message">${why}</p>
<p class="facts"><span>${badge(state, tone)}</span><span>${since === null ? "since when is not known" : fromNow(since, context)}</span><span>${owner}</span><span>${objectsText(generations)}</span></p>
${nextSteps(what_next)}
</li>`,
  )}</ul>${rest > 0 && more(rest)}`
}

/** What is done one after the other stands so. */
function nextSteps(text: string): Html {
  const steps = text.split("; ")
  if (steps.length === 1)
    return html`<p class="next"><span class="quiet">Next:</span> ${withCommands(text)}</p>`
  return html`<ol class="next">${steps.map((step) => html`<li>${withCommands(step)}</li>`)}</ol>`
}

function objectsText(generations: LockLine["generations"]): string {
  const objects = Object.entries(generations ?? {}).map(([name, generation]) => `${name}#${generation}`)
  return objects.join(" ") || "nobody heard whether it was created"
}

function foreignList({ lines, isAll }: LocksData["foreign"], context: RenderContext): Html {
  if (lines.length === 0) return nothing("No series met a lock of somebody else.")
  return html`<ul class="entries">${lines.map((line) => foreignItem(line, context))}</ul>
${!isAll && html`<p class="note">${withCommands("These are the first of them. All: bun run locks list")}</p>`}
<p class="next">${withCommands("They are tried again by every run, and need nothing while somebody works on them. If nobody does any more, this tells the command that releases each: bun run locks list")}</p>`
}

function foreignItem({ path, errorMessage, studyId, tries }: FailureLine, context: RenderContext): Html {
  return html`<li>
<p class="code">${path}</p>
<p class="message">${errorMessage}</p>
<p class="facts"><span>${badge("foreign", "warn")}</span>${studyId !== null && html`<span>study ${studyLink(studyId, context)}</span>`}<span>tried ${tries === 1 ? "once" : `${count(tries ?? 0)} times`}</span></p>
</li>`
}

function more(rest: number): Html {
  return html`<p class="note">${withCommands(`and ${count(rest)} more: bun run locks list`)}</p>`
}

function studiesTable(claims: readonly HeldClaim[], context: RenderContext): Html {
  if (claims.length === 0) return nothing("Nobody copies a study right now.")
  return table(
    "Studies that a run copies",
    [{ heading: "Study", isCode: true }, { heading: "Claimed" }, { heading: "By" }],
    claims
      .slice(0, MOST)
      .map(({ studyId, acquiredAt, runId, host, pid }) => [
        studyLink(studyId, context),
        fromNow(acquiredAt, context),
        `run ${runId}, process ${pid} on ${host}`,
      ]),
  )
}

function seriesTable(claims: readonly SeriesInFlight[], context: RenderContext): Html {
  if (claims.length === 0) return nothing("Nobody packs a series right now.")
  return table(
    "Series that a run packs",
    [
      { heading: "Series", isNumber: true },
      { heading: "Of study", isCode: true },
      { heading: "Claimed" },
      { heading: "By" },
    ],
    claims
      .slice(0, MOST)
      .map(({ seriesNo, studyId, since, runId }) => [
        link(`/series/${seriesNo}`, String(seriesNo), context),
        studyId === null ? "" : studyLink(studyId, context),
        fromNow(since, context),
        `run ${runId}`,
      ]),
  )
}

function discoveryText({ discovering }: LocksData, context: RenderContext): Html {
  if (discovering === undefined) return nothing("No discovery is under way.")
  const { runId, script, host, pid, since } = discovering
  return html`<p>Run ${runId} (${script}, process ${pid} on ${host}) discovers, since ${fromNow(since, context)}. Until it ends no other one records anything.</p>`
}
