import { type Attempt, beginAttempts, type CopyResult, settleObject } from "../../lib/ledger/attempts.ts"
import { type Claim, releaseClaim } from "../../lib/ledger/claims.ts"
import { isToTry, objectsOf } from "../../lib/ledger/objects.ts"
import type { Ledger } from "../../lib/ledger/open.ts"
import { recordReceipt, recordReceiptIntent } from "../../lib/ledger/receipts.ts"
import { mustClaim } from "./ledger.ts"

/** What the ledger hears of a copy, without one. */

export const COPIED = {
  outcome: "copied",
  size: 1_000,
  crc32c: "AAAAAA==",
  generation: "1",
  sourceEtag: "etag-1",
  bytes: 1_000,
} as const

export const FAILED = {
  outcome: "failed",
  verdict: "retry",
  errorClass: "Unavailable",
  errorMessage: "503",
} as const

export const MISSING = {
  outcome: "missing",
  verdict: "missing",
  errorClass: "NotFound",
  errorMessage: "no such key",
} as const

export const GIVEN_UP = {
  outcome: "failed",
  verdict: "give-up",
  errorClass: "DestinationConflict",
  errorMessage: "something else stands there",
} as const

interface Worker {
  readonly ledger: Ledger
  readonly runId: number
}

/** Begins tries of everything that is to be tried. */
export function beginAll(ledger: Ledger, claim: Claim): Attempt[] {
  return beginAttempts(ledger, claim, objectsOf(ledger, claim.studyId).filter(isToTry))
}

export function settle(ledger: Ledger, claim: Claim, attempt: Attempt, result: CopyResult) {
  ledger.write((tally) => settleObject(ledger, tally, claim, attempt, result))
}

export function writeReceipt(ledger: Ledger, claim: Claim, hash = "receipt-1", generation = "9") {
  recordReceiptIntent(ledger, claim, hash)
  recordReceipt(ledger, claim, { hash, generation })
}

/** Copies a study to its receipt; the objects at these positions end otherwise, and then there is no receipt. */
export function complete(
  { ledger, runId }: Worker,
  studyId: string,
  { failing = [], as = FAILED }: { failing?: readonly number[]; as?: CopyResult } = {},
) {
  copyHeld(ledger, mustClaim(ledger, runId, studyId), (position) =>
    failing.includes(position) ? as : COPIED,
  )
}

/** Tries what is to be tried of a claimed study, writes the receipt if all of it was copied, gives it back. */
export function copyHeld(
  ledger: Ledger,
  claim: Claim,
  ending: (position: number) => CopyResult = () => COPIED,
) {
  for (const attempt of beginAll(ledger, claim))
    settle(ledger, claim, attempt, ending(attempt.object.position))
  const isWhole = objectsOf(ledger, claim.studyId).every(
    ({ state }) => state === "copied" || state === "retired",
  )
  if (isWhole) writeReceipt(ledger, claim)
  releaseClaim(ledger, claim, { seconds: 1 })
}
