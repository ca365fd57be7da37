import {
  type Attempt,
  assertClaimed,
  beginAttempts,
  type CopyResult,
  isCopied,
  settleObject,
} from "../../ledger/attempts.ts"
import { type Claim, releaseClaim } from "../../ledger/claims.ts"
import { ClaimLost } from "../../ledger/errors.ts"
import type { GroupCommit } from "../../ledger/group-commit.ts"
import { type LedgerObject, objectAt, type PlannedObject } from "../../ledger/objects.ts"
import type { Ledger } from "../../ledger/open.ts"
import { recordReceipt } from "../../ledger/receipts.ts"
import { clearStudyFailure, recordStudyFailure } from "../../ledger/retries.ts"
import { recordListing, studyById } from "../../ledger/studies.ts"
import { ChecksumMismatch, PreconditionFailed } from "../../storage/errors.ts"
import { describeError, verdictOf } from "../../support/errors.ts"
import { withLogIds } from "../../support/log-ids.ts"
import { acquireUnless, forEachLimit, type Hold, type Semaphore } from "../../support/pool.ts"
import type { Stop } from "../../support/stop.ts"
import { WrongBytesRemain } from "../../transfer/send.ts"
import { DICOM_FOLDER, studyPrefix } from "../layout.ts"
import { type PlannedReceipt, planReceipt, writeReceipt } from "../receipts/receipt.ts"
import { type CopyDeps, copyObject } from "./copy-object.ts"
import type { Limits } from "./limits.ts"
import { planListed } from "./plan.ts"
import { StudyTally } from "./study-result.ts"
import { beginObjects, type StudyWork, triesOf } from "./study-work.ts"

export interface CopyStudyDeps extends CopyDeps {
  /** Objects in flight over all studies. */
  readonly slots: Semaphore
  readonly commits: GroupCommit
  readonly limits: Limits
}

/** Objects of one study that are under way, or wait for a slot or for the commit of their result. */
const PULLED = 32

/** Tries of one object within one run, where another may end better at once. */
const TRIES = 3

/**
 * Copies what is due of a claimed study, writes its receipt once all of it is there, and gives the claim back. Failed
 * objects and a claim that was lost are part of the result; what is thrown ends the run.
 * @param place among the studies in flight; given back as soon as its last object has arrived
 */
export async function copyStudy(
  deps: CopyStudyDeps,
  work: StudyWork,
  place: Hold,
  stop: Stop,
): Promise<StudyTally> {
  const tally = new StudyTally(work.claim)
  try {
    await copyClaimed(deps, work, place, tally, stop)
  } catch (error) {
    if (!(error instanceof ClaimLost)) throw error
    tally.failed(error)
  }
  return tally
}

async function copyClaimed(deps: CopyStudyDeps, work: StudyWork, place: Hold, tally: StudyTally, stop: Stop) {
  const { ledger, commits } = deps
  const { claim } = work
  try {
    const receipt = await copyObjects(deps, work, place, tally, stop)
    const generation = receipt && (await writeReceipt(deps, claim, receipt, stop.forced))
    await commits.add(() => {
      if (receipt !== undefined) recordReceipt(ledger, claim, { hash: receipt.hash, generation: generation! })
      clearStudyFailure(ledger, claim.studyId)
      giveBack(ledger, claim, tally)
    })
  } catch (error) {
    if (error instanceof ClaimLost) throw error
    const verdict = stop.forced.aborted ? "interrupted" : verdictOf(error)
    tally.failed(error)
    const givenBack = commits.add(() => {
      if (verdict !== "stop" && verdict !== "interrupted") studyFailed(ledger, claim, verdict, error)
      giveBack(ledger, claim, tally)
    })
    if (verdict !== "stop") return await givenBack
    // What ends the run ends it, also when the claim was lost meanwhile.
    await Promise.allSettled([givenBack])
    throw error
  }
}

function giveBack(ledger: Ledger, claim: Claim, tally: StudyTally) {
  releaseClaim(ledger, claim, tally)
  tally.complete = studyById(ledger, claim.studyId)!.completedAt !== null
}

/** @returns the receipt that is to be written, once all objects are at the destination */
async function copyObjects(
  deps: CopyStudyDeps,
  found: StudyWork,
  place: Hold,
  tally: StudyTally,
  stop: Stop,
) {
  const { ledger, commits, limits } = deps
  const { claim } = found
  const work = found.listsOrigin ? await listOrigin(deps, claim, tally, stop.forced) : found
  tally.skip(work.done)
  for (const object of work.givenUp) tally.givenUp(object)
  let { open } = work
  let receipt: PlannedReceipt | undefined

  const settle = (attempt: Attempt, result: CopyResult) => {
    if (isCopied(result)) {
      open -= 1
      limits.sent(result.bytes)
    }
    const isLast = open === 0
    if (isLast) place[Symbol.dispose]()
    return commits.add((totals) => {
      settleObject(ledger, totals, claim, attempt, result)
      if (isLast) receipt = planReceipt(deps, claim, work.forced)
    })
  }
  const copyOne = async (attempt: Attempt, signal: AbortSignal) => {
    const end = await withLogIds({ object: attempt.object.path }, () =>
      tryObject(deps, claim, attempt, settle, { requested: stop.requested, forced: signal }),
    )
    if (end !== undefined) tally.settled(end.object, end.result)
  }
  await forEachLimit(triesOf(deps, work, stop), PULLED, copyOne, stop.forced)
  return receipt ?? commits.add(() => planReceipt(deps, claim, work.forced))
}

/** Tries one object until it is there, or another try at once would not help. Every try is a row of the ledger. */
async function tryObject(
  deps: CopyStudyDeps,
  claim: Claim,
  first: Attempt,
  settle: (attempt: Attempt, result: CopyResult) => Promise<void>,
  stop: Stop,
): Promise<{ object: LedgerObject; result: CopyResult } | undefined> {
  const { ledger, commits } = deps
  let attempt = first
  for (let tried = 1; ; tried++) {
    const end = await endOf(deps, claim, attempt, stop)
    if (end === undefined) return undefined
    const { result, error } = end
    await settle(attempt, result)
    if (!mayEndBetter(error) || tried === TRIES) return { object: attempt.object, result }
    const { position } = attempt.object
    const again = () => beginAttempts(ledger, claim, [objectAt(ledger, claim.studyId, position)!])
    attempt = (await commits.add(again))[0]!
  }
}

/** Bytes that changed on the way, or somebody else at the same key; not what a person has to delete first. */
function mayEndBetter(error: unknown): boolean {
  if (error instanceof WrongBytesRemain) return false
  return error instanceof ChecksumMismatch || error instanceof PreconditionFailed
}

/**
 * How a try ended. One that was aborted has no end: it stays open in the ledger and is settled by the next run; nor has
 * one whose turn had not come when the stop was requested.
 */
async function endOf(
  deps: CopyStudyDeps,
  claim: Claim,
  attempt: Attempt,
  { requested, forced: signal }: Stop,
): Promise<{ result: CopyResult; error?: unknown } | undefined> {
  using slot = await acquireUnless(deps.slots, requested)
  if (slot === undefined) return undefined
  try {
    return { result: await copyObject(deps, claim, attempt, signal) }
  } catch (error) {
    if (signal.aborted) throw error
    const verdict = verdictOf(error)
    if (verdict === "stop") throw error
    const { class: errorClass, message: errorMessage } = describeError(error)
    const wrongGeneration = error instanceof WrongBytesRemain ? error.generation : undefined
    const outcome = verdict === "missing" ? "missing" : "failed"
    return { result: { outcome, verdict, errorClass, errorMessage, wrongGeneration }, error }
  }
}

/** A study without image rows: what lies below its folder in the origin is what there is to copy. */
async function listOrigin(deps: CopyStudyDeps, claim: Claim, tally: StudyTally, signal: AbortSignal) {
  const { ledger, origin, commits } = deps
  const prefix = studyPrefix(claim)
  const found: PlannedObject[] = []
  for await (const { key, size, etag } of origin.list(prefix + DICOM_FOLDER, signal)) {
    // A key that ends with a slash is a folder that some console made, not a file.
    if (!key.endsWith("/")) found.push(planListed(claim, { path: key.slice(prefix.length), size, etag }))
  }
  if (found.length === 0) tally.warn("no DICOM files: none in the database, none in the origin")
  return commits.add(() => {
    recordListing(ledger, claim, found)
    return beginObjects(ledger, claim)
  })
}

function studyFailed(ledger: Ledger, claim: Claim, verdict: "retry" | "missing" | "give-up", error: unknown) {
  const { class: errorClass, message: errorMessage } = describeError(error)
  assertClaimed(ledger, claim)
  recordStudyFailure(ledger, claim.studyId, {
    verdict: verdict === "give-up" ? "give-up" : "retry",
    errorClass,
    errorMessage,
  })
}
