import {
  CODError,
  CODObject,
  CODObjectNotFoundError,
  describeRecord,
  describesThumbnail,
  type InstanceRecord,
  type LoadedMetadata,
  listSeries,
  type SeriesPlace,
  seriesUri,
  tarRecordOf,
  tarUri,
} from "../../cod/index.ts"
import { claimSeries } from "../../ledger/cod/claims.ts"
import { forgetLost } from "../../ledger/cod/copies.ts"
import type { FileOfSeries } from "../../ledger/cod/instances.ts"
import {
  countWithoutSeries,
  type FoundFile,
  fileWithoutSeries,
  receiptedFiles,
  recordFound,
} from "../../ledger/cod/rebuilt.ts"
import { ensureSeries, everySeries, type LedgerSeries, type SeriesUids } from "../../ledger/cod/series.ts"
import type { GroupCommit } from "../../ledger/group-commit.ts"
import type { Ledger } from "../../ledger/open.ts"
import type { ObjectSource } from "../../storage/store.ts"
import { forEachLimit } from "../../support/pool.ts"
import { keyOf, type PlacesOfUids, placeOf } from "./series-place.ts"

export interface RebuildSeriesDeps extends PlacesOfUids {
  readonly ledger: Ledger
  readonly commits: GroupCommit
  readonly runId: number
  readonly destination: ObjectSource
  readonly datastore: ObjectSource
}

/** What could not be used, and why. */
export interface Unusable {
  readonly key: string
  readonly reason: string
}

export interface RebuiltSeries {
  /** Series in which something of ours was found. */
  series: number
  readonly unusable: Unusable[]
}

/** Metadata on their way at a time. */
const READS_IN_FLIGHT = 8

/**
 * Finds out what is packed: from the metadata of the series that receipts name, and for files whose receipts name none from
 * all series of the datastore, which tell the copies that they were packed from.
 */
export async function rebuildSeries(deps: RebuildSeriesDeps, signal: AbortSignal): Promise<RebuiltSeries> {
  const { ledger } = deps
  const report: RebuiltSeries = { series: 0, unusable: [] }
  await forEachLimit(
    everySeries(ledger),
    READS_IN_FLIGHT,
    (series, inner) => findReceipted(deps, series, report, inner),
    signal,
  )
  if (countWithoutSeries(ledger) > 0) await findByDependencies(deps, report, signal)
  return report
}

async function findReceipted(
  deps: RebuildSeriesDeps,
  series: LedgerSeries,
  report: RebuiltSeries,
  signal: AbortSignal,
) {
  const { ledger, commits, runId } = deps
  const { seriesNo } = series
  const place = placeOf(deps, series)
  const loaded = await metadataOf(deps, place, report, signal)
  const files = receiptedFiles(ledger, seriesNo)
  const found: FoundFile[] = []
  const lost: FileOfSeries[] = []
  for (const file of files) {
    const entry = loaded?.series.instances.get(keyOf(deps, file.instanceUid))
    if (entry?.kind === "instance" && isOf(entry, file)) found.push(foundFile(file, entry, series))
    else if (file.copyDeletedAt !== null) lost.push(file)
  }
  if (lost.length > 0) {
    const reason = `${lost.length} of its images are not in it, nor is there another copy: they are copied again`
    report.unusable.push({ key: seriesUri(place), reason })
  }
  if (found.length > 0) report.series += 1
  await commits.add((tally) => {
    for (const file of lost) forgetLost(ledger, tally, seriesNo, file)
    if (found.length === 0) return
    recordFound(ledger, tally, claimSeries(ledger, runId, seriesNo)!, found, standingOf(place, loaded!))
  })
}

function isOf({ size, crc32c }: InstanceRecord, file: FileOfSeries): boolean {
  return size === file.size && crc32c === file.crc32c
}

function foundFile(file: FileOfSeries, record: InstanceRecord, uids: SeriesUids): FoundFile {
  const { frames, syntax } = describeRecord(record)
  const { studyUid, seriesUid } = uids
  const instanceUid = record.instanceUid ?? file.instanceUid
  const transferSyntax = syntax === "unknown" ? null : syntax
  return { file, startByte: record.startByte, studyUid, seriesUid, instanceUid, transferSyntax, frames }
}

function standingOf(place: SeriesPlace, { generation, series }: LoadedMetadata) {
  return {
    tarGeneration: tarRecordOf({ place }, series)?.generation,
    metadataGeneration: generation,
    thumbnail: { state: describesThumbnail(series, place.datastore) ? "made" : null },
  } as const
}

/** Undefined where there are none: nothing was packed there, as far as can be told, or they are lost. */
async function metadataOf(
  { datastore }: RebuildSeriesDeps,
  place: SeriesPlace,
  { unusable }: RebuiltSeries,
  signal: AbortSignal,
): Promise<LoadedMetadata | undefined> {
  const told = (reason: string) => unusable.push({ key: seriesUri(place), reason })
  try {
    await using cod = await CODObject.open({ ...place, store: datastore, lock: false }, signal)
    await cod.getMetadata(signal)
    return cod.stored
  } catch (error) {
    if (!(error instanceof CODError)) throw error
    if (!(error instanceof CODObjectNotFoundError)) told(error.message)
    else if ((await datastore.head(tarUri(place).slice(datastore.uri.length + 1), signal)) !== undefined)
      told("its tar has no metadata")
    return undefined
  }
}

async function findByDependencies(deps: RebuildSeriesDeps, report: RebuiltSeries, signal: AbortSignal) {
  const { datastore } = deps
  const listed = listSeries({ datastore: datastore.uri, store: datastore }, signal)
  const findOne = async ({
    place,
    objects,
  }: {
    place: SeriesPlace
    objects: ReadonlyMap<string, number>
  }) => {
    if (!objects.has("metadata.json")) return
    const loaded = await metadataOf(deps, place, report, signal)
    if (loaded !== undefined) await findIn(deps, place, loaded, report)
  }
  await forEachLimit(listed, READS_IN_FLIGHT, findOne, signal)
}

async function findIn(
  deps: RebuildSeriesDeps,
  place: SeriesPlace,
  loaded: LoadedMetadata,
  report: RebuiltSeries,
) {
  const { ledger, commits, runId } = deps
  const found = [...loaded.series.instances.values()].flatMap((entry) => {
    if (entry.kind !== "instance") return []
    const { studyUid, seriesUid } = entry
    if (studyUid === undefined || seriesUid === undefined || entry.instanceUid === undefined) return []
    const uids = { studyUid, seriesUid }
    // Somebody else's names of the same series are not where we would look for it.
    if (seriesUri(placeOf(deps, uids)) !== seriesUri(place)) return []
    const files = entry.dependencies.flatMap((uri) => fileAt(deps, uri) ?? [])
    return files.filter((file) => isOf(entry, file)).map((file) => foundFile(file, entry, uids))
  })
  const [first] = found
  if (first === undefined) return
  report.series += 1
  await commits.add((tally) => {
    const seriesNo = ensureSeries(ledger, tally, first)
    const claim = claimSeries(ledger, runId, seriesNo)!
    recordFound(ledger, tally, claim, found, standingOf(place, loaded))
  })
}

/** The file whose raw copy stands, or stood, at a URI. */
function fileAt({ ledger, destination }: RebuildSeriesDeps, uri: string): FileOfSeries | undefined {
  if (!uri.startsWith(`${destination.uri}/`)) return undefined
  const [, studyId, ...path] = uri.slice(destination.uri.length + 1).split("/")
  return studyId === undefined ? undefined : fileWithoutSeries(ledger, { studyId, path: path.join("/") })
}
