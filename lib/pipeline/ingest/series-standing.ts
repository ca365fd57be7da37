import {
  CODError,
  CODObject,
  CODObjectNotFoundError,
  check,
  type InstanceEntry,
  instanceUri,
  type LoadedMetadata,
  metadataUri,
  seriesUri,
  tarRecordOf,
  tarUri,
} from "../../cod/index.ts"
import type { FileOfSeries } from "../../ledger/cod/instances.ts"
import type { LedgerSeries } from "../../ledger/cod/series.ts"
import type { Ledger } from "../../ledger/open.ts"
import type { ObjectSource } from "../../storage/store.ts"
import type { Problem } from "../verify/problem.ts"
import { lostFiles } from "./lost-files.ts"
import { keyOf, keysOf, type PlacesOfUids, placeOf } from "./series-place.ts"

/** The datastore that a ledger packs into. */
export interface PackedPlaces extends PlacesOfUids {
  readonly datastore: ObjectSource
}

export interface VerifySeriesDeps extends PackedPlaces {
  readonly ledger: Ledger
}

/** How a packed series stands, beside what the ledger knows of it. */
export type Standing =
  | "as recorded"
  | {
      readonly rewritten: { readonly tarGeneration: string; readonly metadataGeneration: string }
      readonly starts: readonly { studyId: string; position: number; startByte: number }[]
    }
  | { readonly problems: readonly Problem[]; readonly lost: readonly FileOfSeries[] }

/** Looks at a series itself; its metadata are read only when they are others than recorded. @throws StorageError */
export async function standingOf(
  deps: VerifySeriesDeps,
  series: LedgerSeries,
  files: readonly FileOfSeries[],
  signal: AbortSignal,
): Promise<Standing> {
  const { datastore } = deps
  const { metadataGeneration, tarGeneration } = series
  const place = placeOf(deps, series)
  const keys = keysOf(deps, series)
  const [metadata, tar] = await Promise.all([
    datastore.head(keys.metadata, signal),
    datastore.head(keys.tar, signal),
  ])
  const isSameTar = tar !== undefined && (tarGeneration === null || tar.generation === tarGeneration)
  if (metadata?.generation === metadataGeneration && isSameTar) return "as recorded"
  const problem = seriesProblem(files)
  if (metadata === undefined) {
    const gone = problem("series_missing", metadataUri(place), metadataGeneration, null)
    return { problems: [gone], lost: files }
  }
  if (tar === undefined) {
    return { problems: [problem("series_missing", tarUri(place), tarGeneration, null)], lost: files }
  }
  const loaded = await loadedAt(deps, series, signal)
  if (typeof loaded === "string") {
    const told = problem("series_changed", metadataUri(place), metadataGeneration, loaded)
    return { problems: [told], lost: [] }
  }
  const lost = lostFiles(deps, files, loaded.series)
  if (lost.length > 0) return { problems: lost.map((file) => lostProblem(deps, series, loaded, file)), lost }
  const flaw = await flawOfTar(deps, series, { loaded, generation: tar.generation }, signal)
  if (flaw !== undefined) {
    return { problems: [problem("series_changed", tarUri(place), tarGeneration, flaw)], lost: [] }
  }
  const rewritten = { tarGeneration: tar.generation, metadataGeneration: loaded.generation }
  return { rewritten, starts: startsOf(deps, loaded, files) }
}

/** Makes problems of a series as a whole: the study of its first file stands for all. */
function seriesProblem([first]: readonly FileOfSeries[]) {
  return (kind: Problem["problem"], key: string, expected: string | null, found: string | null): Problem => ({
    study_id: first?.studyId ?? null,
    key,
    problem: kind,
    expected,
    found,
  })
}

function lostProblem(
  deps: VerifySeriesDeps,
  series: LedgerSeries,
  loaded: LoadedMetadata,
  file: FileOfSeries,
): Problem {
  const entry = entryOf(deps, loaded, file)
  const key = instanceUri(placeOf(deps, series), keyOf(deps, file.instanceUid))
  const found = entry?.kind === "instance" ? entry.crc32c : null
  return seriesProblem([file])("series_changed", key, file.crc32c, found)
}

/**
 * Why the images are not known to be in the tar that stands there. Who stored the metadata with it has said so in them; of
 * another tar the headers tell.
 */
async function flawOfTar(
  deps: VerifySeriesDeps,
  series: LedgerSeries,
  { loaded, generation }: { readonly loaded: LoadedMetadata; readonly generation: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  const place = placeOf(deps, series)
  if (tarRecordOf({ place }, loaded.series)?.generation === generation) return undefined
  const { findings } = await check(seriesUri(place), { store: deps.datastore, bytes: false }, signal)
  return findings.find(({ severity }) => severity === "error")?.what
}

function entryOf(
  deps: VerifySeriesDeps,
  { series }: LoadedMetadata,
  { instanceUid }: FileOfSeries,
): InstanceEntry | undefined {
  return series.instances.get(keyOf(deps, instanceUid))
}

function startsOf(deps: VerifySeriesDeps, loaded: LoadedMetadata, files: readonly FileOfSeries[]) {
  return files.flatMap((file) => {
    const { studyId, position } = file
    const entry = entryOf(deps, loaded, file)
    return entry?.kind === "instance" ? [{ studyId, position, startByte: entry.startByte }] : []
  })
}

/** @returns why it cannot be read where it cannot */
async function loadedAt(
  deps: VerifySeriesDeps,
  series: LedgerSeries,
  signal: AbortSignal,
): Promise<LoadedMetadata | string> {
  try {
    const opened = { ...placeOf(deps, series), store: deps.datastore, lock: false }
    await using cod = await CODObject.open(opened, signal)
    await cod.getMetadata(signal)
    return cod.stored!
  } catch (error) {
    if (error instanceof CODObjectNotFoundError) return "gone while it was looked at"
    if (error instanceof CODError) return error.message
    throw error
  }
}
