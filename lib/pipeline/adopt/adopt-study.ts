import { beginAttempts, settleObject } from "../../ledger/attempts.ts"
import { claimStudy, releaseClaim } from "../../ledger/claims.ts"
import { type LedgerObject, objectsOf, type PlannedObject } from "../../ledger/objects.ts"
import type { Ledger } from "../../ledger/open.ts"
import { type LedgerStudy, recordListing } from "../../ledger/studies.ts"
import type { ObjectInfo, ObjectSource } from "../../storage/store.ts"
import { forEachLimit } from "../../support/pool.ts"
import { planListed } from "../copy/plan.ts"
import { identityOf, isProvenByListing, type Unlike, unlikeness } from "../copy/recognise.ts"
import { originKeyOf } from "../copy/source-of.ts"
import { DICOM_FOLDER, objectKey } from "../layout.ts"
import { listStudy } from "../verify/listed.ts"
import { atOrigin } from "./at-origin.ts"

/** Why an object could not be adopted. */
export type WhyNotAdopted = "not_there" | "not_at_origin" | Unlike

/** What both sides tell of an object that is not done, as the ledger wanted it then. */
export interface Compared {
  readonly path: string
  readonly sourceHash: string
  readonly result:
    | { readonly same: ObjectInfo & { readonly crc32c: string }; readonly sourceEtag: string | undefined }
    | { readonly reason: WhyNotAdopted }
}

export interface StudyComparison {
  readonly objects: readonly Compared[]
  /** Files that a listing of the origin found, of a study without image rows. */
  readonly planned: readonly PlannedObject[] | undefined
}

export interface CompareDeps {
  readonly ledger: Ledger
  readonly origin: ObjectSource
  readonly destination: ObjectSource
}

/** Heads of one study at a time. */
const HEADS_IN_FLIGHT = 8

/**
 * Compares what is not done of a study with what stands at the destination: one listing there, and one of the origin
 * when something does. A body is never read.
 */
export async function compareStudy(
  { ledger, origin, destination }: CompareDeps,
  study: LedgerStudy,
  signal?: AbortSignal,
): Promise<StudyComparison> {
  if (study.listsOrigin === 0 && wantedOf(ledger, study, undefined).length === 0) {
    return { objects: [], planned: undefined }
  }
  const there = await listStudy(destination, study, signal)
  const files = [...there.keys()].filter((path) => path.startsWith(DICOM_FOLDER))
  const listed =
    study.listsOrigin === 1 && files.length > 0 ? await listStudy(origin, study, signal) : undefined
  const planned = listed && plannedFiles(study, listed)
  const wanted = wantedOf(ledger, study, planned)
  const candidates = wanted.filter(({ path }) => there.has(path))
  const sources = listed ?? (await atOrigin(origin, study, candidates, signal))
  const objects: Compared[] = []
  const compareOne = async ({ path, source, sourceHash }: Wanted, inner: AbortSignal) => {
    const heads = {
      standing: () => destination.head(objectKey(study, path), inner),
      source: () => origin.head(originKeyOf(study, { path, source }, origin.uri), inner),
    }
    objects.push({ path, sourceHash, result: await compare(there.get(path), sources.get(path), heads) })
  }
  await forEachLimit(wanted, HEADS_IN_FLIGHT, compareOne, signal)
  return { objects, planned }
}

interface Heads {
  readonly standing: () => Promise<ObjectInfo | undefined>
  readonly source: () => Promise<ObjectInfo | undefined>
}

/** Asks for the object itself, by a head, only where the listings do not prove the two the same. */
async function compare(
  standing: ObjectInfo | undefined,
  listed: ObjectInfo | undefined,
  heads: Heads,
): Promise<Compared["result"]> {
  if (standing === undefined) return { reason: "not_there" }
  if (listed === undefined) return { reason: "not_at_origin" }
  if (standing.size !== listed.size) return { reason: "size_differs" }
  if (isProvenByListing(standing, listed)) return sameAs(standing, listed)
  const source = await heads.source()
  if (source === undefined) return { reason: "not_at_origin" }
  // A folder hashes a file that somebody else put there, but only when it is asked for this one.
  const isUnhashed = standing.crc32c === undefined && source.crc32c !== undefined
  const whole = isUnhashed ? await heads.standing() : standing
  if (whole === undefined) return { reason: "not_there" }
  const reason = unlikeness(whole, source)
  return reason === undefined ? sameAs(whole, source) : { reason }
}

/** The ledger keeps the CRC32C of whatever is done; every destination that tells an MD5 tells it, too. */
function sameAs(standing: ObjectInfo, { etag: sourceEtag }: ObjectInfo): Compared["result"] {
  const { crc32c } = standing
  return crc32c === undefined
    ? { reason: "no_common_checksum" }
    : { same: { ...standing, crc32c }, sourceEtag }
}

type Wanted = Pick<LedgerObject, "path" | "source" | "sourceHash">

/** Everything that is not done, given up or not; what the operator ordered to be copied again is left to the copy. */
function wantedOf(
  ledger: Ledger,
  study: LedgerStudy,
  planned: readonly PlannedObject[] | undefined,
): Wanted[] {
  const objects = objectsOf(ledger, study.studyId)
  const known = new Map(objects.map((object) => [object.path, object]))
  const listed = (planned ?? []).filter(({ path, sourceHash }) => known.get(path)?.sourceHash !== sourceHash)
  const replanned = new Set(listed.map(({ path }) => path))
  const open = objects.filter((object) => isAdoptable(object) && !replanned.has(object.path))
  return [...open, ...listed.map(({ path, sourceHash }) => ({ path, sourceHash, source: null }))]
}

function isAdoptable({ state, forced }: LedgerObject): boolean {
  return state !== "copied" && state !== "retired" && forced === 0
}

/** A key that ends with a slash is a folder that some console made, not a file. */
function plannedFiles(study: LedgerStudy, listed: ReadonlyMap<string, ObjectInfo>): PlannedObject[] {
  return [...listed]
    .filter(([path]) => path.startsWith(DICOM_FOLDER) && !path.endsWith("/"))
    .map(([path, { size, etag }]) => planListed(study, { path, size, etag }))
}

export interface Adopted {
  readonly objects: number
  readonly bytes: number
}

/**
 * Records what was found to be the same as done. Claim, intents, results and the claim's end are one transaction: the
 * destination is not touched, so there is nothing between intent and result that a crash could leave unsettled.
 * What changed since it was compared is left to the copy. Belongs into a transaction.
 * @returns undefined when another run works on the study
 */
export function recordAdopted(
  ledger: Ledger,
  runId: number,
  study: LedgerStudy,
  { objects, planned }: StudyComparison,
): Adopted | undefined {
  const results = new Map(objects.map((object) => [object.path, object]))
  return ledger.write((tally) => {
    const claim = claimStudy(ledger, runId, study.studyId)
    if (claim === undefined) return undefined
    if (planned !== undefined) recordListing(ledger, claim, planned)
    const adopted = objectsOf(ledger, study.studyId).filter((object) => {
      const compared = results.get(object.path)
      return compared?.sourceHash === object.sourceHash && "same" in compared.result && isAdoptable(object)
    })
    let bytes = 0
    for (const attempt of beginAttempts(ledger, claim, adopted)) {
      const { result } = results.get(attempt.object.path)!
      if (!("same" in result)) continue
      const { same, sourceEtag } = result
      const identity = identityOf(same, same.crc32c)
      settleObject(ledger, tally, claim, attempt, { outcome: "adopted", ...identity, sourceEtag, bytes: 0 })
      bytes += same.size
    }
    releaseClaim(ledger, claim, { seconds: 0 })
    return { objects: adopted.length, bytes }
  })
}
