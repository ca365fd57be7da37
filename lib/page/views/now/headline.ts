import { type Html, html } from "../../../support/html.ts"
import { badge, type Tone } from "../../parts/panel.ts"
import type { Now } from "./read.ts"

/**
 * How the box stands in one sentence, without a figure: who listens to the page hears it, and again only when something
 * else is the matter.
 */
export function headline(now: Now): Html {
  const [word, tone, sentence] = stateOf(now)
  return html`<div class="headline">${badge(word, tone)}<p role="status">${sentence}</p></div>`
}

function stateOf(now: Now): readonly [word: string, tone: Tone, sentence: string] {
  const { wrongBytes, hangingLocks, running, died, scheduler, schedulerDied } = now
  const doing = running.length > 0 ? ` ${doingOf(now)}` : ""
  if (wrongBytes.length > 0) return ["Look here", "bad", `Wrong bytes stand at the destination.${doing}`]
  if (hangingLocks.length > 0)
    return ["Look here", "bad", `Locks hang: their series wait for a person.${doing}`]
  if (running.length > 0) return ["Busy", "busy", doingOf(now)]
  if (died.length > 0)
    return ["Cut off", "warn", "A run died without a word; the next one takes over what it held."]
  if (scheduler === undefined && schedulerDied)
    return ["Idle", "bad", "Nothing runs. The scheduler died: nothing begins by itself."]
  if (isEmpty(now)) return ["New", "quiet", "Nothing was discovered yet."]
  if (scheduler === undefined)
    return ["Idle", "warn", "Nothing runs, and no scheduler lives that would begin the next run."]
  return ["Idle", "good", "Nothing runs. The scheduler waits for its time."]
}

export function isEmpty({ progress: { studies } }: Now): boolean {
  return studies.eligible + studies.outOfCohort + studies.withdrawn === 0
}

function doingOf({ running }: Now): string {
  const scripts = [...new Set(running.map(({ script }) => NAMES[script] ?? script))]
  const [first, ...others] = scripts
  const all = others.length === 0 ? first! : `${scripts.slice(0, -1).join(", ")} and ${scripts.at(-1)}`
  return `${all.charAt(0).toUpperCase()}${all.slice(1)} ${running.length > 1 ? "are" : "is"} under way.`
}

/** What scripts are called in a sentence. */
const NAMES: Readonly<Record<string, string>> = {
  run: "a run",
  copy: "a copy",
  demo: "the demo",
  discover: "a discovery",
  ingest: "packing",
  verify: "a verification",
  adopt: "an adoption",
  locks: "work on locks",
}
