import { assertClaimed } from "../../ledger/attempts.ts"
import { type Claim, claimStudy, releaseClaim } from "../../ledger/claims.ts"
import { receiptedObjects } from "../../ledger/objects.ts"
import type { Ledger } from "../../ledger/open.ts"
import { recordReceipt, recordReceiptIntent } from "../../ledger/receipts.ts"
import { type LedgerStudy, studyById } from "../../ledger/studies.ts"
import { AccessDenied, PreconditionFailed } from "../../storage/errors.ts"
import type { ObjectInfo, ObjectStore } from "../../storage/store.ts"
import { crc32cBase64 } from "../../support/checksums.ts"
import { send } from "../../transfer/send.ts"
import { DestinationConflict, DestinationExistsUnreadable } from "../errors.ts"
import { receiptKey } from "../layout.ts"
import {
  isCovered,
  type ReceiptFacts,
  receiptBytes,
  receiptFacts,
  receiptHash,
  type SeriesPlaces,
} from "./receipt-document.ts"

/** What writing a receipt needs. */
export interface ReceiptDeps {
  readonly ledger: Ledger
  readonly destination: ObjectStore
  /** Where series are packed; without it a receipt does not say so. */
  readonly series?: SeriesPlaces | undefined
}

/** What a study's receipt is to say. */
export interface PlannedReceipt {
  readonly hash: string
  readonly facts: ReceiptFacts
  readonly cohortId: number
  /** The generation of the receipt that stands there, as far as we know. */
  readonly standing: string | undefined
  /** That one says it already. */
  readonly isWritten: boolean
  /** A run died while it replaced that one: something else may stand there. */
  readonly isUnsettled: boolean
  /** The operator asked to replace whatever stands there. */
  readonly forced: boolean
}

/**
 * Records the intent to write the receipt of a study whose objects are all at the destination. Belongs into a
 * transaction.
 * @returns undefined while an object is not there
 * @throws ClaimLost
 */
export function planReceipt(
  { ledger, series }: Pick<ReceiptDeps, "ledger" | "series">,
  claim: Claim,
  forced: boolean,
): PlannedReceipt | undefined {
  const objects = receiptedObjects(ledger, claim.studyId)
  if (objects.some(({ state }) => state !== "copied")) return undefined
  const facts = receiptFacts(objects, series)
  const hash = receiptHash(facts)
  const { cohortId, receiptGeneration, ...before } = studyById(ledger, claim.studyId)!
  const isUnsettled = receiptGeneration !== null && before.receiptIntent !== null
  const isWritten = receiptGeneration !== null && before.receiptHash === hash && !isUnsettled
  recordReceiptIntent(ledger, claim, hash)
  // At once, for nothing will be done: a crash must not leave an intent behind.
  if (isWritten) recordReceipt(ledger, claim, { hash, generation: receiptGeneration })
  const standing = receiptGeneration ?? undefined
  return { hash, facts, cohortId, standing, isWritten, isUnsettled, forced }
}

/**
 * Writes the receipt of a study; who finds it has the whole study. It is written again, under its generation, only when
 * the objects or their series changed: a new cohort alone is no reason.
 * @returns its generation
 * @throws DestinationConflict when a receipt stands there that says more than we know
 */
export async function writeReceipt(
  deps: ReceiptDeps,
  claim: Claim,
  receipt: PlannedReceipt,
  signal?: AbortSignal,
): Promise<string> {
  const { hash, facts, cohortId, standing } = receipt
  if (receipt.isWritten) return standing!
  const { ledger, destination } = deps
  const key = receiptKey(claim)
  const body = receiptBytes(claim, cohortId, facts)
  const metadata = {
    organization_id: claim.organizationId,
    study_id: claim.studyId,
    receipt: hash,
    ledger: ledger.id,
  }
  const write = async (ifGeneration: string) => {
    const checksums = { crc32c: crc32cBase64(body) }
    const options = { contentType: "application/json", metadata, ifGeneration }
    return (await send(destination, key, body, checksums, options, signal)).generation
  }
  const settle = async () => {
    const found = await lookAt(deps, key, signal)
    // It says the same: an answer was lost, or a ledger that is lost wrote it.
    if (found?.metadata.receipt === hash) return found.generation
    if (found !== undefined) await requireReplaceable(deps, claim, receipt, found, signal)
    // Whoever took the claim from us may have written what stands there: it is newer than ours.
    assertClaimed(ledger, claim)
    return write(found?.generation ?? "absent")
  }
  if (receipt.isUnsettled) return settle()
  try {
    return await write(standing ?? "absent")
  } catch (error) {
    if (error instanceof PreconditionFailed) return settle()
    throw error
  }
}

/**
 * Writes the receipt of a study anew when what it says has changed since, without looking at the study's objects: for
 * whoever learns their series, or deletes raw copies.
 * @returns false when there is nothing to do, or not now: a later copy finds the study due
 * @throws as `writeReceipt`
 */
export async function renewReceipt(
  deps: ReceiptDeps,
  runId: number,
  studyId: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const { ledger } = deps
  const isDue = ({ receiptStale, receiptGeneration, verdict }: LedgerStudy) =>
    receiptStale === 1 && receiptGeneration !== null && verdict === null
  if (!isDue(studyById(ledger, studyId)!)) return false
  const claim = claimStudy(ledger, runId, studyId)
  if (claim === undefined) return false
  try {
    const receipt = ledger.write(() => planReceipt(deps, claim, false))
    if (receipt === undefined) return false
    const generation = await writeReceipt(deps, claim, receipt, signal)
    recordReceipt(ledger, claim, { hash: receipt.hash, generation })
    return true
  } finally {
    releaseClaim(ledger, claim, { seconds: 0 })
  }
}

/** @throws DestinationConflict unless it is ours, or says nothing that ours does not say, or the operator asked for it */
async function requireReplaceable(
  { ledger, destination }: ReceiptDeps,
  claim: Claim,
  { facts, forced }: PlannedReceipt,
  found: ObjectInfo,
  signal?: AbortSignal,
) {
  if (forced || found.metadata.ledger === ledger.id) return
  const { key, generation, size } = found
  if (size <= MAX_RECEIPT_BYTES) {
    const { stream } = await destination.read(key, { ifGeneration: generation }, signal)
    if (isCovered(await new Response(stream).bytes(), claim, facts.objects)) return
  }
  throw new DestinationConflict(`a receipt that is not ours stands at ${key}`, { key, generation })
}

/** Some hundred thousand objects; a larger file is not read only to be compared. */
const MAX_RECEIPT_BYTES = 64 << 20

async function lookAt(
  { destination }: ReceiptDeps,
  key: string,
  signal?: AbortSignal,
): Promise<ObjectInfo | undefined> {
  try {
    return await destination.head(key, signal)
  } catch (error) {
    if (!(error instanceof AccessDenied)) throw error
    throw new DestinationExistsUnreadable(
      "a receipt stands at the destination and may not be read",
      { key },
      error,
    )
  }
}
