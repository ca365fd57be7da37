import { type Action, actionById, type RetryTarget } from "../../ledger/actions.ts"
import type { Ledger } from "../../ledger/open.ts"
import { runUnderWay } from "../../ledger/runs.ts"
import { outlook } from "../../operate/schedule-outlook.ts"
import type { Config } from "../../support/config.ts"
import { type Html, html } from "../../support/html.ts"
import { plural } from "../../support/text.ts"
import type { PageRequest, RenderContext } from "../page.ts"
import { withCommands } from "../parts/command.ts"
import { studyLink } from "../parts/link.ts"
import { fromNow, moment } from "../parts/time.ts"

/** The parameter of a view's address by which it tells what somebody did just now. */
export const DID = "did"

/** How long "just now" lasts. */
const TOLD_MS = 10 * 60_000

/** What somebody did just now, for the view that the form leads back to; nothing where nobody did anything. */
export function toldOf({ deps, query, context }: Pick<PageRequest, "deps" | "query" | "context">): Html {
  const id = Number(query.get(DID))
  const action = Number.isSafeInteger(id) && id > 0 ? actionById(deps.ledger, id) : undefined
  // Who keeps the address is not told of it for ever.
  if (action === undefined || context.now.getTime() - Date.parse(action.at) > TOLD_MS) return html``
  return html`<p class="told" role="status">${queued(action, context)} ${nextRun(deps.ledger, deps.config.schedule, context)}</p>`
}

function queued({ queued, target }: Action, context: RenderContext): Html {
  const verb = queued === 1 ? "is" : "are"
  return html`${plural(queued, "failure")} of ${targetText(target, context)} ${verb} queued.`
}

/** What an action was about. */
export function targetText(target: RetryTarget, context: RenderContext): Html {
  return "studyId" in target
    ? html`study ${studyLink(target.studyId, context)}`
    : html`<strong>${target.errorClass}</strong>`
}

/** When what was queued is tried. */
function nextRun(ledger: Ledger, schedule: Config["schedule"], context: RenderContext): Html {
  const running = runUnderWay(ledger, "run")
  if (running !== undefined)
    return html`Run ${running.runId} is under way and takes what it has not tried yet; the next one takes the rest.`
  const [next] = outlook(ledger, schedule, { catchUp: false }).next
  if (runUnderWay(ledger, "schedule") === undefined || next === undefined)
    return html`No scheduler is at work; ${withCommands("begin with: bun run run")}`
  return html`The next run begins ${fromNow(next, context)}, ${moment(next, context)}, or ${withCommands("now: bun run run")}`
}
