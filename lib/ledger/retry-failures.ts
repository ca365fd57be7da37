import { type Asking, type RetryTarget, recordRetry } from "./actions.ts"
import { hastenSeries, queueUnpacked } from "./cod/retry.ts"
import { retryThumbnails } from "./cod/thumbnails.ts"
import type { Ledger } from "./open.ts"
import { type FailureClass, hasFailures } from "./page/failures.ts"
import { type FailuresAmong, hastenTries, queueGivenUp } from "./retries.ts"
import { studyById } from "./studies.ts"

/** `unknown`: there is no such study, and no failure of such a class; `nothing`: all of it is to be tried already. */
export type RetryResult =
  | { readonly outcome: "queued"; readonly actionId: number; readonly queued: number }
  | { readonly outcome: "nothing" | "unknown" }

/**
 * Queues again what was given up of the target, and makes due what waits for its next try: objects, studies, files that
 * their series did not take, series, thumbnails. What is under a lock stays as it is. In one transaction with the record
 * of who asked for it, which is made where anything was queued.
 */
export function retryFailures(ledger: Ledger, target: RetryTarget, asking: Asking): RetryResult {
  return ledger.write(() => {
    if (!isKnown(ledger, target)) return { outcome: "unknown" }
    const queued = "studyId" in target ? retryStudy(ledger, target.studyId) : retryClass(ledger, target)
    if (queued === 0) return { outcome: "nothing" }
    return { outcome: "queued", queued, actionId: recordRetry(ledger, asking, target, queued) }
  })
}

function isKnown(ledger: Ledger, target: RetryTarget): boolean {
  return "studyId" in target ? studyById(ledger, target.studyId) !== undefined : hasFailures(ledger, target)
}

function retryStudy(ledger: Ledger, studyId: string): number {
  const among = { studyIds: [studyId] }
  return queueAll(ledger, among) + hastenAll(ledger, among, undefined)
}

function retryClass(ledger: Ledger, { verdict, errorClass }: FailureClass): number {
  return verdict === "give-up" ? queueAll(ledger, { errorClass }) : hastenAll(ledger, { errorClass }, verdict)
}

function queueAll(ledger: Ledger, among: FailuresAmong): number {
  const { objects, studies } = queueGivenUp(ledger, among)
  const { files, series } = queueUnpacked(ledger, among)
  return objects + studies + files + series + retryThumbnails(ledger, among.studyIds, among.errorClass)
}

function hastenAll(ledger: Ledger, among: FailuresAmong, verdict: "retry" | "missing" | undefined): number {
  const { objects, studies } = hastenTries(ledger, among, verdict)
  return objects + studies + (verdict === "missing" ? 0 : hastenSeries(ledger, among))
}
