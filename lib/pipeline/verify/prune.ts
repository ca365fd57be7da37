import { assertClaimed, isOwnAttempt } from "../../ledger/attempts.ts"
import { type Claim, claimStudy, releaseClaim, renewClaims } from "../../ledger/claims.ts"
import { objectAt } from "../../ledger/objects.ts"
import type { Ledger } from "../../ledger/open.ts"
import { forgetRetired, type RetiredObject, retiredObjects } from "../../ledger/retired.ts"
import { type LedgerStudy, studyById } from "../../ledger/studies.ts"
import { NotFound, PreconditionFailed } from "../../storage/errors.ts"
import type { ObjectInfo, ObjectStore } from "../../storage/store.ts"
import { objectKey } from "../layout.ts"

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
  | "it lies in the datastore"
  | "replaced since we put it there"
  | "not put there by this ledger"
  | "its study's receipt still names it: run copy first"
  | "another run is working on its study"

export interface PruneDeps {
  readonly ledger: Ledger
  readonly destination: ObjectStore
  /** Where series are packed: perhaps below the destination. */
  readonly packed?: { readonly datastore: { readonly uri: string } } | undefined
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
  deps: PruneDeps,
  study: LedgerStudy,
  found: ReadonlyMap<string, ObjectInfo>,
  report: GrowingReport,
  signal: AbortSignal,
): Promise<void> {
  const { ledger, runId } = deps
  const plan = planPrune(deps, study, found)
  report.spared.push(...plan.spared)
  const count = ({ object, size }: Doomed) => {
    report.deleted.push({ key: objectKey(study, object.path), generation: object.generation, size })
    report.bytes += size
  }
  const spare = ({ object }: Doomed, reason: WhySpared) =>
    report.spared.push({ key: objectKey(study, object.path), reason })
  if (runId === undefined) {
    for (const doomed of plan.doomed) count(doomed)
    return
  }
  if (plan.doomed.length + plan.gone.length === 0) return
  const claim = claimStudy(ledger, runId, study.studyId)
  if (claim === undefined) {
    for (const doomed of plan.doomed) spare(doomed, "another run is working on its study")
    return
  }
  try {
    for (const object of plan.gone) await noteGone(deps, study, object, signal)
    for (const doomed of plan.doomed) {
      const end = await deleteRetired(deps, study, claim, doomed.object, signal)
      if (end === "deleted") count(doomed)
      else if (end === "replaced") spare(doomed, "replaced since we put it there")
    }
  } finally {
    releaseClaim(ledger, claim, { seconds: 0 })
  }
}

interface Doomed {
  readonly object: RetiredObject
  readonly size: number
}

interface PrunePlan {
  readonly doomed: readonly Doomed[]
  readonly spared: PruneReport["spared"]
  /** What is retired and does not stand there any more. */
  readonly gone: readonly RetiredObject[]
}

function planPrune(deps: PruneDeps, study: LedgerStudy, found: ReadonlyMap<string, ObjectInfo>): PrunePlan {
  const { ledger } = deps
  const plan = { doomed: [] as Doomed[], spared: [] as PruneReport["spared"], gone: [] as RetiredObject[] }
  for (const object of retiredObjects(ledger, study.studyId)) {
    const standing = found.get(object.path)
    const reason = standing && whySpared(deps, study, object, standing)
    if (standing === undefined) plan.gone.push(object)
    else if (reason === undefined) plan.doomed.push({ object, size: standing.size })
    else plan.spared.push({ key: objectKey(study, object.path), reason })
  }
  return plan
}

/** The listing may be older than the object, so it is looked for once more. */
async function noteGone(
  { ledger, destination }: PruneDeps,
  study: LedgerStudy,
  object: RetiredObject,
  signal: AbortSignal,
) {
  if (!(await isListed(destination, objectKey(study, object.path), signal))) forgetRetired(ledger, object)
}

function whySpared(
  { ledger, destination, packed }: PruneDeps,
  study: LedgerStudy,
  object: RetiredObject,
  standing: ObjectInfo,
): WhySpared | undefined {
  const uri = `${destination.uri}/${objectKey(study, object.path)}`
  if (packed !== undefined && uri.startsWith(`${packed.datastore.uri}/`)) return "it lies in the datastore"
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
  { ledger, destination }: PruneDeps,
  study: LedgerStudy,
  claim: Claim,
  object: RetiredObject,
  signal: AbortSignal,
): Promise<"deleted" | "replaced" | "wanted again"> {
  signal.throwIfAborted()
  renewClaims(ledger, claim.runId)
  assertClaimed(ledger, claim)
  const now = objectAt(ledger, study.studyId, object.position)
  const isStillRetired = now?.state === "retired" && now.generation === object.generation
  if (!isStillRetired) return "wanted again"
  const key = objectKey(study, object.path)
  try {
    await destination.delete(key, { ifGeneration: object.generation }, signal)
  } catch (error) {
    if (!(error instanceof NotFound || error instanceof PreconditionFailed)) throw error
    // This generation is gone: deleted by a try whose answer was lost, or replaced by somebody.
    if (await isListed(destination, key, signal)) return "replaced"
  }
  forgetRetired(ledger, object)
  return "deleted"
}

/** Not by a head, so that the rights to list and to delete are all that pruning needs. */
async function isListed(destination: ObjectStore, key: string, signal: AbortSignal): Promise<boolean> {
  for await (const info of destination.list(key, signal)) if (info.key === key) return true
  return false
}
