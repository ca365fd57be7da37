import { CODError, type InvalidMetadata } from "./errors.ts"
import { parseSeriesUri } from "./format/layout.ts"
import type { InstanceEntry, InstanceRecord } from "./format/metadata/types.ts"
import { frameTable } from "./reading/frame-place.ts"
import { bytesOfRange } from "./reading/object-bytes.ts"
import { lookFor, lookForTar } from "./reading/presence.ts"
import { recordsOf, type Series } from "./reading/series.ts"
import { type SeriesAccess, seriesAt } from "./reading/series-at.ts"
import { locksOf } from "./reading/settle.ts"
import { thumbnailOf } from "./reading/thumbnail.ts"

/** What there is to say of a series without reading its instances. */
export interface SeriesInfo {
  readonly uri: string
  readonly studyUid: string
  readonly seriesUid: string
  readonly hashedUids: boolean
  readonly instances: number
  /** Instances whose entry cannot be understood, with why. */
  readonly unreadable: readonly { readonly key: string; readonly problem: InvalidMetadata }[]
  /** Bytes of all DICOM files, and of the tar; undefined when there is none. */
  readonly instanceBytes: number
  readonly tarBytes: number | undefined
  readonly frames: number
  readonly withPixeldata: number
  /** How many instances have each transfer syntax, by its UID; `unknown` where the metadata does not say. */
  readonly transferSyntaxes: Readonly<Record<string, number>>
  /** How many entries have each version, "1.0" or "2.0". */
  readonly metadataVersions: Readonly<Record<string, number>>
  /** Names of the locks that are there. */
  readonly locks: readonly string[]
  /** How the error log begins; undefined when there is none. */
  readonly errorLog: string | undefined
  /** URIs of thumbnails that are stored, and the one that the metadata describes. */
  readonly thumbnails: readonly string[]
  readonly describedThumbnail: string | undefined
  /** Names of the other fields beside the instances. */
  readonly fields: readonly string[]
}

/** What is shown of an error log, in bytes. */
const ERROR_LOG_BYTES = 64 * 1024

/**
 * Tells of the series that a URI names.
 * @throws CODObjectNotFoundError, InvalidMetadata, InvalidUri, StorageError
 */
export async function seriesInfo(
  uri: string,
  access: SeriesAccess = {},
  signal?: AbortSignal,
): Promise<SeriesInfo> {
  using opened = seriesAt(parseSeriesUri(uri), access)
  const { series } = opened
  const { series: metadata } = await series.metadata(signal)
  const [locks, errorLog, thumbnail, tar] = await Promise.all([
    locksOf(series, signal),
    errorLogOf(series, signal),
    thumbnailOf(series, metadata, signal),
    lookForTar(series, signal),
  ])
  const records = recordsOf(metadata)
  const described = records.map((record) => describeRecord(record))
  return {
    uri: series.uri,
    studyUid: metadata.studyUid,
    seriesUid: metadata.seriesUid,
    hashedUids: metadata.hashedUids,
    instances: metadata.instances.size,
    unreadable: [...metadata.instances.values()].flatMap(problemOf),
    instanceBytes: records.reduce((sum, { size }) => sum + size, 0),
    tarBytes: tar?.size,
    frames: described.reduce((sum, { frames }) => sum + frames, 0),
    withPixeldata: records.filter(({ hasPixeldata }) => hasPixeldata).length,
    transferSyntaxes: counted(described.map(({ syntax }) => syntax)),
    metadataVersions: counted(records.map(({ version }) => version)),
    locks,
    errorLog,
    thumbnails: thumbnail.stored,
    describedThumbnail: thumbnail.described?.uri,
    fields: [...metadata.fields.keys()],
  }
}

function problemOf(entry: InstanceEntry): SeriesInfo["unreadable"] {
  return entry.kind === "unreadable" ? [{ key: entry.key, problem: entry.problem }] : []
}

/** What the metadata of one instance tells of its pixels; `syntax` is `unknown` where it does not say. */
export function describeRecord(record: InstanceRecord): { readonly frames: number; readonly syntax: string } {
  try {
    const syntax = record.tags()["00020010"]?.Value?.[0]
    return { frames: frameTable(record).frames, syntax: typeof syntax === "string" ? syntax : "unknown" }
  } catch (error) {
    // Its DICOM JSON cannot be read: the instance itself can.
    if (error instanceof CODError) return { frames: 1, syntax: "unknown" }
    throw error
  }
}

function counted(names: readonly string[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return Object.fromEntries(counts)
}

async function errorLogOf(series: Series, signal: AbortSignal | undefined): Promise<string | undefined> {
  const log = series.object("errorLog")
  if ((await lookFor(log, signal)) === undefined) return undefined
  const { bytes } = await bytesOfRange(log, { start: 0, end: ERROR_LOG_BYTES }, undefined, signal)
  return new TextDecoder().decode(bytes)
}
