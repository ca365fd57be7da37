import type { Claim } from "../ledger/claims.ts"
import { type LedgerObject, objectsOf } from "../ledger/objects.ts"
import { recordReceipt, recordReceiptIntent } from "../ledger/receipts.ts"
import { studyById } from "../ledger/studies.ts"
import { AccessDenied, PreconditionFailed } from "../storage/errors.ts"
import type { ObjectInfo } from "../storage/store.ts"
import { crc32cBase64 } from "../support/checksums.ts"
import { VERSION } from "../support/version.ts"
import { send } from "../transfer/send.ts"
import type { CopyDeps } from "./copy-object.ts"
import { DestinationConflict, DestinationExistsUnreadable } from "./errors.ts"
import { receiptKey } from "./layout.ts"

/**
 * Writes the receipt of a study whose objects are all at the destination; who finds it has the whole study. It is
 * written again, under its generation, only when the objects changed: a new cohort alone is no reason.
 * @throws DestinationConflict when a receipt that is not ours stands there
 */
export async function writeReceipt(deps: CopyDeps, claim: Claim, signal?: AbortSignal): Promise<void> {
  const { ledger, destination } = deps
  const { study, objects, hash } = ledger.write(() => {
    const study = studyById(ledger, claim.studyId)!
    const objects = objectsOf(ledger, claim.studyId).filter((object) => object.state === "copied")
    const hash = hashOf(objects)
    recordReceiptIntent(ledger, claim, hash)
    return { study, objects, hash }
  })
  if (study.receiptGeneration !== null && study.receiptHash === hash) {
    recordReceipt(ledger, claim, { hash, generation: study.receiptGeneration })
    return
  }
  const key = receiptKey(claim)
  const body = new TextEncoder().encode(receiptJson(claim, study.cohortId, objects))
  const metadata = {
    organization_id: claim.organizationId,
    study_id: claim.studyId,
    receipt: hash,
    ledger: ledger.id,
  }
  const write = (ifGeneration: string) =>
    send(
      destination,
      key,
      body,
      { crc32c: crc32cBase64(body) },
      { contentType: "application/json", metadata, ifGeneration },
      signal,
    )
  try {
    const written = await write(study.receiptGeneration ?? "absent")
    recordReceipt(ledger, claim, { hash, generation: written.generation })
  } catch (error) {
    if (!(error instanceof PreconditionFailed)) throw error
    const standing = await lookAt(deps, key, signal)
    if (standing !== undefined && standing.metadata.ledger !== ledger.id) {
      throw new DestinationConflict("a receipt that is not ours stands at the destination", { key })
    }
    // Ours: an answer was lost, or the receipt was replaced by a run that died before it could say so.
    const generation =
      standing?.metadata.receipt === hash
        ? standing.generation
        : (await write(standing?.generation ?? "absent")).generation
    recordReceipt(ledger, claim, { hash, generation })
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
