import { type Asking, type RetryTarget, recordRetry } from "./actions.ts"
import { queueUnpacked } from "./cod/retry.ts"
import { retryThumbnails } from "./cod/thumbnails.ts"
import type { Ledger } from "./open.ts"
import { hasFailures } from "./page/failures.ts"
import { type FailuresAmong, queueGivenUp } from "./retries.ts"
import { studyById } from "./studies.ts"

/** `unknown`: there is no such study, and no failure of such a class; `nothing`: all of it is to be tried already. */
export type RetryResult =
  | { readonly outcome: "queued"; readonly actionId: number; readonly queued: number }
  | { readonly outcome: "nothing" | "unknown" }

/**
 * Queues again what was given up of the target: objects, studies, files that their series did not take, series, thumbnails.
 * What failed otherwise is tried by the next run anyway, and what is under a lock stays as it is. In one transaction with
 * the record of who asked for it, which is made where anything was queued.
 */
export function retryFailures(ledger: Ledger, target: RetryTarget, asking: Asking): RetryResult {
  return ledger.write(() => {
    if (!isKnown(ledger, target)) return { outcome: "unknown" }
    const among = amongOf(target)
    const queued = among === undefined ? 0 : queueAll(ledger, among)
    if (queued === 0) return { outcome: "nothing" }
    return { outcome: "queued", queued, actionId: recordRetry(ledger, asking, target, queued) }
  })
}

function isKnown(ledger: Ledger, target: RetryTarget): boolean {
  return "studyId" in target ? studyById(ledger, target.studyId) !== undefined : hasFailures(ledger, target)
}

/** Undefined where nothing of it can have been given up. */
function amongOf(target: RetryTarget): FailuresAmong | undefined {
  if ("studyId" in target) return { studyIds: [target.studyId] }
  return target.verdict === "give-up" ? { errorClass: target.errorClass } : undefined
}

function queueAll(ledger: Ledger, among: FailuresAmong): number {
  const { objects, studies } = queueGivenUp(ledger, among)
  const { files, series } = queueUnpacked(ledger, among)
  return objects + studies + files + series + retryThumbnails(ledger, among.studyIds, among.errorClass)
}
