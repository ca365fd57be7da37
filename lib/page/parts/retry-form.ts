import type { RetryTarget } from "../../ledger/actions.ts"
import { type Html, html } from "../../support/html.ts"
import type { RenderContext } from "../page.ts"

/** Where whoever sends the form comes back to: the failures, or the view of the study. */
export type WayBack = "failures" | "study"

/** How the page asks for a target to be tried again; the handler of POST /retry reads it. */
export const RETRY_FIELDS = {
  verdict: "verdict",
  errorClass: "class",
  studyId: "study",
  back: "back",
} as const

/**
 * A button that queues again what was given up, of a class or of a study. There is none for a class that the next run tries
 * anyway, in a static file, and where nothing may be changed. The view that it leads back to shows `toldOf` of its request.
 */
export function retryForm(
  target: RetryTarget,
  { base, csrf, isStatic }: RenderContext,
  back: WayBack = "failures",
): Html {
  const isTriedAnyway = "verdict" in target && target.verdict !== "give-up"
  if (isTriedAnyway || isStatic || csrf === undefined) return html``
  return html`<form class="action" method="post" action="${base}/retry"><input type="hidden" name="csrf" value="${csrf}">${fieldsOf(target)}<input type="hidden" name="${RETRY_FIELDS.back}" value="${back}"><button>${label(target)}</button></form>`
}

function fieldsOf(target: RetryTarget): Html {
  if ("studyId" in target) return hidden(RETRY_FIELDS.studyId, target.studyId)
  return html`${hidden(RETRY_FIELDS.verdict, target.verdict)}${hidden(RETRY_FIELDS.errorClass, target.errorClass)}`
}

function hidden(name: string, value: string): Html {
  return html`<input type="hidden" name="${name}" value="${value}">`
}

/** What tells one button from the next is for those who do not see where it stands. */
function label(target: RetryTarget): Html {
  if ("studyId" in target) return html`Retry this study<span class="unseen"> ${target.studyId}</span>`
  return html`Retry all<span class="unseen"> that failed by ${target.errorClass}</span>`
}
