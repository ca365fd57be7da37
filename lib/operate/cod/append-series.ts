import {
  type AppendResult,
  CODObject,
  type CODObjectAccess,
  type Instance,
  ingest,
  type SeriesPlace,
  seriesUri,
} from "../../cod/index.ts"
import type { ObjectStore } from "../../storage/store.ts"
import { AppError } from "../../support/errors.ts"
import { refuseHindered, refuseWithoutMetadata } from "./hindrances.ts"
import type { CodStart } from "./start.ts"

/** Files that belong into one series. */
export interface SeriesFiles {
  readonly place: SeriesPlace
  readonly hashedUids: boolean
  readonly instances: readonly Instance[]
}

/** What became of the files of one series: each is in exactly one of the lists. */
export interface SeriesReport {
  readonly uri: string
  readonly new: readonly StoredFile[]
  /** There already, byte for byte. */
  readonly same: readonly StoredFile[]
  /** There already with other bytes, which stay. */
  readonly conflict: readonly StoredFile[]
  readonly errors: readonly { readonly file: string; readonly why: string }[]
}

export interface StoredFile {
  readonly file: string
  readonly key: string
}

/** Appends files to one series; a dry run finds out all that it can without a lock. */
export async function appendToSeries(
  { place, hashedUids, instances }: SeriesFiles,
  access: Omit<CODObjectAccess, "lock">,
  store: ObjectStore,
  { log, stop }: CodStart,
  { dryRun }: { readonly dryRun: boolean },
): Promise<SeriesReport> {
  const opening = { ...access, ...place, store, hashedUids }
  // Given up half-way its lock would hang: what has begun may end.
  const signal = stop.forced
  await refuseWithoutMetadata(store, place, signal)
  if (!dryRun) return reportOf(place, await ingest(instances, { ...opening, log, signal }))
  await using series = await CODObject.open({ ...opening, lock: false, createIfMissing: true }, signal)
  const result = await series.append(instances, { dirty: true }, signal)
  if (series.isChanged) await refuseHindered(store, place, signal)
  return reportOf(place, result)
}

function reportOf(place: SeriesPlace, { errors, ...result }: AppendResult): SeriesReport {
  return {
    uri: seriesUri(place),
    new: result.new.map(storedFile),
    same: result.same.map(storedFile),
    conflict: result.conflict.map(storedFile),
    errors: errors.map(({ instance, error }) => ({ file: instance.originalPath, why: whyOf(error) })),
  }
}

function storedFile({ originalPath: file, hints, uidHashFunc }: Instance): StoredFile {
  const uid = hints.instanceUid!
  return { file, key: uidHashFunc?.(uid) ?? uid }
}

/** @throws what is no error of ours: a defect */
function whyOf(error: unknown): string {
  if (error instanceof AppError) return error.message
  throw error
}
