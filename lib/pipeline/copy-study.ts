import {
  type Attempt,
  assertClaimed,
  beginAttempts,
  type CopyResult,
  settleObject,
} from "../ledger/attempts.ts"
import { type Claim, releaseClaim } from "../ledger/claims.ts"
import { ClaimLost } from "../ledger/errors.ts"
import type { GroupCommit } from "../ledger/group-commit.ts"
import { isToTry, objectAt, objectsOf, type PlannedObject } from "../ledger/objects.ts"
import { clearStudyFailure, recordListing, recordStudyFailure, studyById } from "../ledger/studies.ts"
import { ChecksumMismatch, PreconditionFailed } from "../storage/errors.ts"
import { describeError, verdictOf } from "../support/errors.ts"
import { forEachLimit, type Semaphore } from "../support/pool.ts"
import type { Stop } from "../support/stop.ts"
import { WrongBytesRemain } from "../transfer/send.ts"
import { type CopyDeps, copyObject } from "./copy-object.ts"
import { DICOM_FOLDER, studyPrefix } from "./layout.ts"
import { planListed } from "./plan.ts"
import { writeReceipt } from "./receipt.ts"
import { StudyTally } from "./study-result.ts"

export interface CopyStudyDeps extends CopyDeps {
  /** Objects in flight over all studies. */
  readonly slots: Semaphore
  readonly commits: GroupCommit
}

/** Intents of so many objects are one commit; a crash leaves at most so many of a study to be settled. */
const BATCH = 32

/** Tries of one object within one run, where another may end better at once. */
const TRIES = 3

/**
 * Copies what is due of a claimed study, writes its receipt once all of it is there, and gives the claim back. Failed
 * objects and a claim that was lost are part of the result; what is thrown ends the run.
 */
export async function copyStudy(deps: CopyStudyDeps, claim: Claim, stop: Stop): Promise<StudyTally> {
  const tally = new StudyTally(claim)
  try {
    await copyClaimed(deps, claim, tally, stop)
  } catch (error) {
    if (!(error instanceof ClaimLost)) throw error
    tally.failed(error)
  }
  return tally
}

async function copyClaimed(deps: CopyStudyDeps, claim: Claim, tally: StudyTally, stop: Stop) {
  const { ledger } = deps
  try {
    await copyObjects(deps, claim, tally, stop)
    if (isWhole(deps, claim)) await writeReceipt(deps, claim, stop.forced)
    clearStudyFailure(ledger, claim.studyId)
  } catch (error) {
    if (error instanceof ClaimLost) throw error
    const verdict = stop.forced.aborted ? "interrupted" : verdictOf(error)
    if (verdict === "stop") {
      releaseClaim(ledger, claim, tally)
      throw error
    }
    tally.failed(error)
    if (verdict !== "interrupted") studyFailed(deps, claim, verdict, error)
  }
  releaseClaim(ledger, claim, tally)
  tally.complete = studyById(ledger, claim.studyId)!.completedAt !== null
}

async function copyObjects(deps: CopyStudyDeps, claim: Claim, tally: StudyTally, stop: Stop) {
  await listOrigin(deps, claim, tally, stop.forced)
  const objects = objectsOf(deps.ledger, claim.studyId)
  tally.skip(objects.filter((object) => object.state === "copied").length)
  const work = objects.filter(isToTry)
  for (let next = 0; next < work.length; next += BATCH) {
    if (stop.requested.aborted || isWithdrawn(deps, claim)) return
    const attempts = beginAttempts(deps.ledger, claim, work.slice(next, next + BATCH))
    const copyOne = (attempt: Attempt, signal: AbortSignal) => tryObject(deps, claim, attempt, tally, signal)
    await forEachLimit(attempts, BATCH, copyOne, stop.forced)
  }
}

/** Tries one object until it is there, or another try at once would not help. Every try is a row of the ledger. */
async function tryObject(
  deps: CopyStudyDeps,
  claim: Claim,
  first: Attempt,
  tally: StudyTally,
  signal: AbortSignal,
) {
  let attempt = first
  for (let tried = 1; ; tried++) {
    const { result, error } = await endOf(deps, claim, attempt, signal)
    await deps.commits.add((totals) => settleObject(deps.ledger, totals, claim, attempt, result))
    if (!mayEndBetter(error) || tried === TRIES) {
      tally.settled(attempt.object, result)
      return
    }
    const object = objectAt(deps.ledger, claim.studyId, attempt.object.position)!
    attempt = beginAttempts(deps.ledger, claim, [object])[0]!
  }
}

/** Bytes that broke on the way, a race: not what a person has to put right. */
function mayEndBetter(error: unknown): boolean {
  if (error instanceof WrongBytesRemain) return false
  return error instanceof ChecksumMismatch || error instanceof PreconditionFailed
}

/** How a try ended. One that was aborted has no end: it stays open in the ledger and is settled by the next run. */
async function endOf(
  deps: CopyStudyDeps,
  claim: Claim,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<{ result: CopyResult; error?: unknown }> {
  using _slot = await deps.slots.acquire(1, signal)
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
  const { ledger, origin } = deps
  if (studyById(ledger, claim.studyId)!.listsOrigin === 0) return
  const prefix = studyPrefix(claim)
  const found: PlannedObject[] = []
  for await (const { key, size, etag } of origin.list(prefix + DICOM_FOLDER, signal)) {
    // A key that ends with a slash is a folder that some console made, not a file.
    if (!key.endsWith("/")) found.push(planListed(claim, { path: key.slice(prefix.length), size, etag }))
  }
  if (found.length === 0) tally.warn("no DICOM files: none in the database, none in the origin")
  recordListing(ledger, claim, found)
}

function isWhole({ ledger }: CopyStudyDeps, claim: Claim): boolean {
  return objectsOf(ledger, claim.studyId).every(({ state }) => state === "copied" || state === "retired")
}

/** A fact of its own changed while it was being copied: nothing more of it is. */
function isWithdrawn({ ledger }: CopyStudyDeps, claim: Claim): boolean {
  return studyById(ledger, claim.studyId)!.standing === "withdrawn"
}

function studyFailed(
  { ledger }: CopyStudyDeps,
  claim: Claim,
  verdict: "retry" | "missing" | "give-up",
  error: unknown,
) {
  const { class: errorClass, message: errorMessage } = describeError(error)
  ledger.write(() => {
    assertClaimed(ledger, claim)
    recordStudyFailure(ledger, claim.studyId, {
      verdict: verdict === "give-up" ? "give-up" : "retry",
      errorClass,
      errorMessage,
    })
  })
}
