import { type HeaderResult, recordCopiedBytes } from "./cod/headers.ts"
import { ClaimLost } from "./errors.ts"
import { nextTryAt } from "./next-try.ts"
import { countMove, type LedgerObject, staleReceipt } from "./objects.ts"
import type { Ledger } from "./open.ts"
import type { Tally } from "./tally.ts"

/** One try of one object: the intent, as it was recorded before anything is done. */
export interface Attempt {
  readonly object: LedgerObject
  readonly try: number
  /** Names this try in the custom metadata of what it creates: `{ledger}/{position}/{try}`. */
  readonly id: string
  /** An earlier try ended without a word: its effect may stand at the destination, so look before writing. */
  readonly unsettled: boolean
}

/**
 * Records the intent to copy these objects of a claimed study; tries that a crash left open end as `interrupted`.
 * @throws ClaimLost
 */
export function beginAttempts(
  ledger: Ledger,
  claim: { readonly studyId: string; readonly token: string; readonly runId: number },
  objects: readonly LedgerObject[],
): Attempt[] {
  return ledger.write(() => {
    assertClaimed(ledger, claim)
    return objects.map((object) => beginAttempt(ledger, claim.runId, object))
  })
}

/** True when what carries this attempt id at the destination was put there by this ledger for this object. */
export function isOwnAttempt(
  ledger: Ledger,
  object: { readonly position: number },
  attemptId: string | undefined,
) {
  return attemptId?.startsWith(`${ledger.id}/${object.position}/`) ?? false
}

/** The object stands at the destination, verified. */
export interface Copied {
  /** `adopted`: it was there already; `unchanged`: neither side differs from what the ledger knew. */
  readonly outcome: "copied" | "adopted" | "unchanged"
  readonly size: number
  readonly crc32c: string
  readonly generation: string
  /** Absent for what was made from the database. */
  readonly sourceEtag?: string | undefined
  /** Sent to the destination. */
  readonly bytes: number
  readonly warning?: string | undefined
  /** What the header of a DICOM file says; absent where it was not read. */
  readonly header?: HeaderResult | undefined
}

export interface NotCopied {
  readonly outcome: "failed" | "missing"
  readonly verdict: "retry" | "missing" | "give-up"
  readonly errorClass: string
  readonly errorMessage: string
  /** Wrong bytes that stand at the destination because they could not be deleted. */
  readonly wrongGeneration?: string | undefined
}

/** How the copy of one object ended. */
export type CopyResult = Copied | NotCopied

export function isCopied(result: CopyResult): result is Copied {
  return result.outcome !== "failed" && result.outcome !== "missing"
}

/**
 * Records the result of a try, under the claim. If the source changed or the operator ordered it again while the
 * object was under way, what was put at the destination is remembered and the object stays queued.
 * @throws ClaimLost
 */
export function settleObject(
  ledger: Ledger,
  tally: Tally,
  claim: { readonly studyId: string; readonly token: string },
  attempt: Attempt,
  result: CopyResult,
) {
  assertClaimed(ledger, claim)
  const { object } = attempt
  const now = stateOf(ledger, object)
  endAttempt(ledger, attempt, result)
  const orderedMeanwhile = now.forced === 1 && object.forced === 0
  const overtaken = now.state === "retired" || now.sourceHash !== object.sourceHash || orderedMeanwhile
  if (!isCopied(result)) {
    tally.moved(ledger.now(), { failed: 1 })
    recordWrongBytes(ledger, object, result)
    if (overtaken) return
    countMove(tally, now, result.outcome)
    recordFailure(ledger, attempt, now, result)
    return
  }
  tally.moved(ledger.now(), {
    copied: result.outcome === "copied" ? 1 : 0,
    adopted: result.outcome === "adopted" ? 1 : 0,
    adoptedBytes: result.outcome === "adopted" ? result.size : 0,
    bytes: result.bytes,
  })
  if (!overtaken) countMove(tally, now, "copied", result.size)
  // Compares with what stood there before.
  if (object.kind === "dicom") recordCopiedBytes(ledger, tally, object, result, { toPack: !overtaken })
  recordDestination(ledger, object, result, overtaken)
}

/** @throws ClaimLost unless the study is held under this token right now */
export function assertClaimed(ledger: Ledger, claim: { readonly studyId: string; readonly token: string }) {
  const held = ledger.db
    .query("select 1 from claims where study_id = $studyId and token = $token")
    .get({ studyId: claim.studyId, token: claim.token })
  if (held === null) throw new ClaimLost(`study ${claim.studyId}`)
}

/** What may have moved in an object's row while it was under way. */
type ObjectNow = Pick<LedgerObject, "state" | "sourceHash" | "forced" | "size" | "missingSince">

function stateOf(ledger: Ledger, { studyId, position }: LedgerObject): ObjectNow {
  return ledger.db
    .query<ObjectNow, { studyId: string; position: number }>(
      `select state, source_hash as sourceHash, forced, size, missing_since as missingSince
       from objects where study_id = $studyId and position = $position`,
    )
    .get({ studyId, position })!
}

function beginAttempt(ledger: Ledger, runId: number, object: LedgerObject): Attempt {
  const { studyId, position } = object
  const now = ledger.now()
  const number = object.tries + 1
  const unsettled = object.tries > 0 && endInterrupted(ledger, object, now)
  ledger.db
    .query("update objects set tries = $number where study_id = $studyId and position = $position")
    .run({ studyId, position, number })
  ledger.db
    .query(
      `insert into copy_attempts (study_id, position, try, run_id, started_at)
       values ($studyId, $position, $number, $runId, $now)`,
    )
    .run({ studyId, position, number, runId, now })
  return { object, try: number, id: `${ledger.id}/${position}/${number}`, unsettled }
}

/** @returns whether there was such a try */
function endInterrupted(ledger: Ledger, { studyId, position }: LedgerObject, now: string): boolean {
  const ended = ledger.db
    .query(
      `update copy_attempts set ended_at = $now, outcome = 'interrupted'
       where study_id = $studyId and position = $position and ended_at is null`,
    )
    .run({ studyId, position, now })
  return ended.changes > 0
}

function endAttempt(ledger: Ledger, { object, try: number }: Attempt, result: CopyResult) {
  ledger.db
    .query(
      `update copy_attempts set ended_at = $now, outcome = $outcome, bytes = $bytes, error_class = $errorClass,
         error_message = $errorMessage where study_id = $studyId and position = $position and try = $try`,
    )
    .run({
      studyId: object.studyId,
      position: object.position,
      try: number,
      now: ledger.now(),
      outcome: result.outcome,
      bytes: isCopied(result) ? result.bytes : null,
      errorClass: isCopied(result) ? null : result.errorClass,
      errorMessage: isCopied(result) ? null : result.errorMessage,
    })
}

function recordFailure(
  ledger: Ledger,
  { object: { studyId, position }, try: tries }: Attempt,
  { missingSince }: ObjectNow,
  { outcome, verdict, errorClass, errorMessage }: NotCopied,
) {
  ledger.db
    .query(
      `update objects set state = $outcome, verdict = $verdict, error_class = $errorClass,
         error_message = $errorMessage, next_try_at = $nextTryAt, missing_since = $missingSince
       where study_id = $studyId and position = $position`,
    )
    .run({
      studyId,
      position,
      outcome,
      verdict,
      errorClass,
      errorMessage,
      nextTryAt: verdict === "give-up" ? null : nextTryAt(ledger, tries),
      missingSince: outcome === "missing" ? (missingSince ?? ledger.now()) : null,
    })
}

function recordWrongBytes(
  ledger: Ledger,
  { studyId, position }: LedgerObject,
  { wrongGeneration }: NotCopied,
) {
  if (wrongGeneration === undefined) return
  ledger.db
    .query(
      `update objects set wrong_generation = $wrongGeneration where study_id = $studyId and position = $position`,
    )
    .run({ studyId, position, wrongGeneration })
}

function recordDestination(ledger: Ledger, object: LedgerObject, result: Copied, overtaken: boolean) {
  ledger.db
    .query(
      `update objects set size = $size, crc32c = $crc32c, generation = $generation, source_etag = $sourceEtag,
         copied_at = $now, wrong_generation = null, warning = $warning
         ${overtaken ? "" : ", state = 'copied', verdict = null, next_try_at = null, missing_since = null, error_class = null, error_message = null, forced = 0"}
       where study_id = $studyId and position = $position`,
    )
    .run({
      studyId: object.studyId,
      position: object.position,
      size: result.size,
      crc32c: result.crc32c,
      generation: result.generation,
      sourceEtag: result.sourceEtag ?? null,
      now: ledger.now(),
      warning: result.warning ?? null,
    })
  staleReceipt(ledger, object.studyId)
}
