import type { RetryTarget } from "../../ledger/actions.ts"
import { LedgerBusy } from "../../ledger/errors.ts"
import { openLedger } from "../../ledger/open.ts"
import { FAILURE_VERDICTS } from "../../ledger/page/failures.ts"
import { type RetryResult, retryFailures } from "../../ledger/retry-failures.ts"
import { html } from "../../support/html.ts"
import { sentForm } from "../access/form.ts"
import type { PageRequest, Route } from "../page.ts"
import { link } from "../parts/link.ts"
import { RETRY_FIELDS } from "../parts/retry-form.ts"
import { seeOther } from "../respond.ts"
import { DID } from "./told.ts"

/** Nothing else is answered meanwhile; whoever writes the ledger has it for some milliseconds. */
const WAIT_MS = 2000

/** Queues failures again: of a class, or of a study. */
export const retryRoute: Route = { path: "/retry", method: "POST", admits: "session", handle: retry }

async function retry(request: PageRequest): Promise<Response> {
  const fields = await sentForm(request)
  if (fields instanceof Response) return fields
  const target = targetOf(fields)
  if (target === undefined) return refused(request, 400, "This form does not say what is to be tried again.")
  const result = retried(request, target)
  if (result === "busy")
    return refused(
      request,
      503,
      "Another process is writing the ledger. Nothing was queued; try it again in a moment.",
    )
  if (result.outcome !== "queued") return refused(request, ...REFUSALS[result.outcome])
  const wantsStudy = fields.get(RETRY_FIELDS.back) === "study" && "studyId" in target
  const back = wantsStudy ? `/studies/${encodeURIComponent(target.studyId)}` : "/failures"
  return seeOther(`${request.context.base}${back}?${DID}=${result.actionId}`)
}

const REFUSALS: Readonly<Record<"unknown" | "nothing", readonly [status: number, why: string]>> = {
  unknown: [404, "There is no such failure any more, and no such study. Nothing was queued."],
  nothing: [
    409,
    "Nothing was queued: all of it is tried by the next run anyway, or is under a lock that a person has to look at first.",
  ],
}

/** Opens the ledger for writing, for this moment. */
function retried({ deps, session, address }: PageRequest, target: RetryTarget): RetryResult | "busy" {
  try {
    using ledger = openLedger(deps.ledger.path, {
      clock: deps.clock,
      busyTimeoutMs: WAIT_MS,
      mustExist: true,
    })
    const result = retryFailures(ledger, target, { who: session?.user ?? "", address })
    deps.log.info({ target, who: session?.user, address, ...result }, "retry asked for on the page")
    return result
  } catch (error) {
    if (error instanceof LedgerBusy) return "busy"
    throw error
  }
}

/** Undefined where the form names neither a study nor a class, or both. */
function targetOf(fields: URLSearchParams): RetryTarget | undefined {
  const studyId = fields.get(RETRY_FIELDS.studyId)
  const errorClass = fields.get(RETRY_FIELDS.errorClass)
  const verdict = FAILURE_VERDICTS.find((each) => each === fields.get(RETRY_FIELDS.verdict))
  if (studyId) return errorClass === null ? { studyId } : undefined
  return errorClass && verdict ? { verdict, errorClass } : undefined
}

function refused(request: PageRequest, status: number, why: string): Response {
  const { context } = request
  const body = html`<p class="told refused" role="alert">${why}</p><p>${link("/failures", "All failures", context)}</p>`
  return request.show({ title: "Not queued", nav: "Failures", body }, status)
}
