import { assertClaimed, isOwnAttempt } from "../ledger/attempts.ts"
import { type Claim, claimStudy, releaseClaim, renewClaims } from "../ledger/claims.ts"
import type { Ledger } from "../ledger/open.ts"
import { forgetRetired, type RetiredObject, retiredObjects } from "../ledger/retired.ts"
import { type LedgerStudy, studyById } from "../ledger/studies.ts"
import { NotFound, PreconditionFailed } from "../storage/errors.ts"
import type { ObjectInfo, ObjectStore } from "../storage/store.ts"
import { objectKey } from "./layout.ts"

/** What pruning did with retired objects, or would do. */
export interface PruneReport {
  readonly deleted: { readonly key: string; readonly generation: string; readonly size: number }[]
  readonly bytes: number
  /** What stays, and why. */
  readonly spared: { readonly key: string; readonly reason: WhySpared }[]
}

type GrowingReport = { -readonly [K in keyof PruneReport]: PruneReport[K] }

export function emptyPruneReport(): GrowingReport {
  return { deleted: [], bytes: 0, spared: [] }
}

export type WhySpared =
  | "replaced since we put it there"
  | "not put there by this ledger"
  | "its study's receipt still names it: run copy first"
  | "another run is working on its study"

export interface PruneDeps {
  readonly ledger: Ledger
  readonly destination: ObjectStore
  /** Undefined in a dry run. */
  readonly runId: number | undefined
}

/**
 * Deletes what stands at the destination of a study and is retired, under the generation that the ledger recorded, and
 * only where the object itself carries this ledger's mark: what another tool put there was adopted, not made ours.
 * A crash in between leaves a retired object that is not there, which the next time is only noted.
 * @param found what the destination lists of the study, by path
 */
export async function pruneStudy(
  { ledger, destination, runId }: PruneDeps,
  study: LedgerStudy,
  found: ReadonlyMap<string, ObjectInfo>,
  report: GrowingReport,
  signal: AbortSignal,
): Promise<void> {
  const retired = retiredObjects(ledger, study.studyId)
  if (retired.length === 0) return
  const standing = retired.filter(({ path }) => found.has(path))
  const spare = (object: RetiredObject, reason: WhySpared) =>
    report.spared.push({ key: objectKey(study, object.path), reason })
  const count = ({ path, generation }: RetiredObject) => {
    const { size } = found.get(path)!
    report.deleted.push({ key: objectKey(study, path), generation, size })
    report.bytes += size
  }
  const doomed = standing.filter((object) => {
    const reason = whySpared(ledger, study, object, found.get(object.path)!)
    if (reason !== undefined) spare(object, reason)
    return reason === undefined
  })
  if (runId === undefined) {
    for (const object of doomed) count(object)
    return
  }
  const claim = claimStudy(ledger, runId, study.studyId)
  if (claim === undefined) {
    for (const object of doomed) spare(object, "another run is working on its study")
    return
  }
  try {
    for (const object of retired.filter(({ path }) => !found.has(path))) forgetRetired(ledger, object)
    for (const object of doomed) {
      signal.throwIfAborted()
      const end = await deleteRetired({ ledger, destination }, study, claim, object, signal)
      if (end === "deleted") count(object)
      else if (end === "replaced") spare(object, "replaced since we put it there")
    }
  } finally {
    releaseClaim(ledger, claim, { seconds: 0 })
  }
}

function whySpared(
  ledger: Ledger,
  study: LedgerStudy,
  object: RetiredObject,
  standing: ObjectInfo,
): WhySpared | undefined {
  if (standing.generation !== object.generation) return "replaced since we put it there"
  if (!isOwnAttempt(ledger, object, standing.metadata.attempt)) return "not put there by this ledger"
  return mayBeReceipted(ledger, study) ? "its study's receipt still names it: run copy first" : undefined
}

/** Who finds a receipt has all that it names: so it goes ahead of the objects. */
function mayBeReceipted(ledger: Ledger, { studyId }: LedgerStudy): boolean {
  const { receiptGeneration, receiptStale, receiptIntent } = studyById(ledger, studyId)!
  return receiptIntent !== null || (receiptGeneration !== null && receiptStale === 1)
}

async function deleteRetired(
  { ledger, destination }: Pick<PruneDeps, "ledger" | "destination">,
  study: LedgerStudy,
  claim: Claim,
  object: RetiredObject,
  signal: AbortSignal,
): Promise<"deleted" | "replaced" | "wanted again"> {
  renewClaims(ledger, claim.runId)
  assertClaimed(ledger, claim)
  const isStillRetired = retiredObjects(ledger, study.studyId).some(
    ({ position, generation }) => position === object.position && generation === object.generation,
  )
  if (!isStillRetired) return "wanted again"
  const key = objectKey(study, object.path)
  try {
    await destination.delete(key, { ifGeneration: object.generation }, signal)
  } catch (error) {
    if (!(error instanceof NotFound || error instanceof PreconditionFailed)) throw error
    // This generation is gone: deleted by a try whose answer was lost, or replaced by somebody.
    if ((await destination.head(key, signal)) !== undefined) return "replaced"
  }
  forgetRetired(ledger, object)
  return "deleted"
}
