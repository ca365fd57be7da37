import { type LedgerObject, objectsOf } from "../ledger/objects.ts"
import type { Ledger } from "../ledger/open.ts"
import type { LedgerStudy } from "../ledger/studies.ts"
import { atOrigin } from "../pipeline/adopt/at-origin.ts"
import { planStudy } from "../pipeline/copy/plan.ts"
import { DICOM_FOLDER, receiptKey, type StudyIds } from "../pipeline/layout.ts"
import { listStudy } from "../pipeline/verify/listed.ts"
import type { SourceStudy } from "../source/rows.ts"
import type { ObjectInfo, ObjectSource } from "../storage/store.ts"

/** What the origin has of what is to be copied. */
export interface OriginSide {
  readonly uri: string
  /** Known to the ledger or the database. */
  readonly wanted: number
  readonly found: number
  readonly bytes: number
  readonly missing: readonly { readonly path: string; readonly kind: string }[]
  /** For a study without image rows: DICOM files that a listing finds; null for any other. */
  readonly listed: number | null
}

/** What the destination has of a study, held against the ledger. */
export interface DestinationSide {
  readonly uri: string
  readonly objects: number
  readonly bytes: number
  readonly receipt: boolean
  /** What the ledger says is copied and is not there as it says. */
  readonly differing: readonly {
    readonly path: string
    readonly problem: "missing" | "size" | "crc32c" | "generation"
  }[]
  /** What is there and the ledger does not know as copied. */
  readonly unknown: number
}

/** A study as far as anything is known of what belongs to it. */
export interface KnownContents extends StudyIds {
  readonly objects: readonly Pick<LedgerObject, "kind" | "path" | "source">[]
  readonly listsOrigin: boolean
}

/** By the ledger, else by what a discovery would plan; undefined when neither knows the study. */
export function contentsOf(
  ledger: Ledger,
  known: LedgerStudy | undefined,
  source: SourceStudy | undefined,
): KnownContents | undefined {
  if (known !== undefined) {
    const { studyId, organizationId, listsOrigin } = known
    const objects = objectsOf(ledger, studyId).filter(({ state }) => state !== "retired")
    return { studyId, organizationId, objects, listsOrigin: listsOrigin === 1 }
  }
  if (source === undefined) return undefined
  const { studyId, organizationId, objects, listsOrigin } = planStudy(source)
  const planned = objects.map(({ kind, path, source }) => ({ kind, path, source: source ?? null }))
  return { studyId, organizationId, objects: planned, listsOrigin }
}

/** @throws StorageError */
export async function askOrigin(
  origin: ObjectSource,
  study: KnownContents,
  signal: AbortSignal,
): Promise<OriginSide> {
  const found = await atOrigin(origin, study, study.objects, signal)
  const listing = study.listsOrigin ? await listStudy(origin, study, signal) : undefined
  const files = listing && [...listing.keys()].filter((path) => path.startsWith(DICOM_FOLDER))
  return {
    uri: origin.uri,
    wanted: study.objects.length,
    found: found.size,
    bytes: sizeOf(found.values()),
    missing: study.objects.filter(({ path }) => !found.has(path)).map(({ path, kind }) => ({ path, kind })),
    listed: files?.length ?? null,
  }
}

/** @throws StorageError */
export async function askDestination(
  destination: ObjectSource,
  ledger: Ledger,
  study: StudyIds,
  signal: AbortSignal,
): Promise<DestinationSide> {
  const found = await listStudy(destination, study, signal)
  const receipt = await destination.head(receiptKey(study), signal)
  const copied = objectsOf(ledger, study.studyId).filter(
    // What was deleted because it is packed has no place here any more.
    ({ state, copyDeletedAt }) => state === "copied" && copyDeletedAt === null,
  )
  const recorded = new Set(copied.map(({ path }) => path))
  return {
    uri: destination.uri,
    objects: found.size,
    bytes: sizeOf(found.values()),
    receipt: receipt !== undefined,
    differing: copied.flatMap((object) => {
      const problem = problemOf(object, found.get(object.path))
      return problem === undefined ? [] : [{ path: object.path, problem }]
    }),
    unknown: [...found.keys()].filter((path) => !recorded.has(path)).length,
  }
}

function problemOf({ size, crc32c, generation }: LedgerObject, found: ObjectInfo | undefined) {
  if (found === undefined) return "missing"
  if (found.size !== size) return "size"
  if (found.crc32c !== crc32c) return "crc32c"
  return found.generation === generation ? undefined : "generation"
}

function sizeOf(objects: Iterable<ObjectInfo>): number {
  return [...objects].reduce((sum, { size }) => sum + size, 0)
}
