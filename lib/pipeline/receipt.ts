import type { Claim } from "../ledger/claims.ts"
import { type LedgerObject, objectsOf } from "../ledger/objects.ts"
import type { Ledger } from "../ledger/open.ts"
import { recordReceiptIntent } from "../ledger/receipts.ts"
import { studyById } from "../ledger/studies.ts"
import { AccessDenied, PreconditionFailed } from "../storage/errors.ts"
import type { ObjectInfo } from "../storage/store.ts"
import { crc32cBase64 } from "../support/checksums.ts"
import { VERSION } from "../support/version.ts"
import { send } from "../transfer/send.ts"
import type { CopyDeps } from "./copy-object.ts"
import { DestinationConflict, DestinationExistsUnreadable } from "./errors.ts"
import { receiptKey } from "./layout.ts"

/** What a study's receipt is to say. */
export interface PlannedReceipt {
  readonly hash: string
  readonly body: Uint8Array
  /** The generation of the receipt that stands there, as far as we know. */
  readonly standing: string | undefined
  /** That one says it already. */
  readonly isWritten: boolean
}

/**
 * Records the intent to write the receipt of a study whose objects are all at the destination. Belongs into a
 * transaction.
 * @returns undefined while an object is not there
 * @throws ClaimLost
 */
export function planReceipt(ledger: Ledger, claim: Claim): PlannedReceipt | undefined {
  const objects = objectsOf(ledger, claim.studyId).filter(({ state }) => state !== "retired")
  if (objects.some(({ state }) => state !== "copied")) return undefined
  const hash = hashOf(objects)
  recordReceiptIntent(ledger, claim, hash)
  const { cohortId, receiptGeneration, receiptHash } = studyById(ledger, claim.studyId)!
  return {
    hash,
    body: new TextEncoder().encode(receiptJson(claim, cohortId, objects)),
    standing: receiptGeneration ?? undefined,
    isWritten: receiptGeneration !== null && receiptHash === hash,
  }
}

/**
 * Writes the receipt of a study; who finds it has the whole study. It is written again, under its generation, only when
 * the objects changed: a new cohort alone is no reason.
 * @returns its generation
 * @throws DestinationConflict when a receipt that is not ours stands there
 */
export async function writeReceipt(
  deps: CopyDeps,
  claim: Claim,
  { hash, body, standing, isWritten }: PlannedReceipt,
  signal?: AbortSignal,
): Promise<string> {
  if (isWritten) return standing!
  const { ledger, destination } = deps
  const key = receiptKey(claim)
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
  try {
    return await write(standing ?? "absent")
  } catch (error) {
    if (!(error instanceof PreconditionFailed)) throw error
    const found = await lookAt(deps, key, signal)
    if (found !== undefined && found.metadata.ledger !== ledger.id) {
      throw new DestinationConflict("a receipt that is not ours stands at the destination", { key })
    }
    // Ours: an answer was lost, or the receipt was replaced by a run that died before it could say so.
    return found?.metadata.receipt === hash ? found.generation : write(found?.generation ?? "absent")
  }
}

async function lookAt(
  { destination }: CopyDeps,
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

/** What the receipt says of the objects; the rest of it may differ between two receipts of the same study. */
function hashOf(objects: readonly LedgerObject[]): string {
  return new Bun.CryptoHasher("sha256")
    .update(JSON.stringify(objects.map(entryOf)))
    .digest("hex")
    .slice(0, 32)
}

function receiptJson(claim: Claim, cohort: number, objects: readonly LedgerObject[]): string {
  const document = {
    receipt_version: 1,
    tool: `vlm-eden-dataset-etl ${VERSION}`,
    study_id: claim.studyId,
    organization_id: claim.organizationId,
    cohort,
    objects: objects.map(entryOf),
  }
  return `${JSON.stringify(document, undefined, 2)}\n`
}

function entryOf({ kind, path, size, crc32c, generation, sourceEtag }: LedgerObject) {
  return { kind, path, size, crc32c, generation, source_etag: sourceEtag }
}
