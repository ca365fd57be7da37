import type { CODObjectOptions } from "./access.ts"
import { CODObject } from "./cod-object.ts"
import { CODObjectNotFoundError } from "./errors.ts"
import type { Instance } from "./instance.ts"
import type { LoadedMetadata } from "./metadata-cache.ts"
import type { SerializedCODObject } from "./serialize.ts"
import { type ThumbnailAtIngest, type ThumbnailEnd, thumbnailAtIngest } from "./thumbnail/at-ingest.ts"
import { type WorkOptions, withCODObject } from "./with-cod-object.ts"
import { isThereAlready } from "./writing/membership.ts"
import type { AppendOptions, AppendResult } from "./writing/writer.ts"

export interface IngestOptions extends Omit<CODObjectOptions, "lock">, AppendOptions, WorkOptions {
  /** Goes on under this lock, and gives it back, instead of taking one. */
  readonly serialized?: SerializedCODObject | undefined
  /** Whether to look at the series without a lock first (true): for one that is likely to be new it is a request for nothing. */
  readonly lookFirst?: boolean | undefined
  /** Also has a thumbnail made that shows the series as it is then; it is stored together with it. */
  readonly thumbnail?: ThumbnailAtIngest | undefined
}

export interface IngestResult extends AppendResult {
  /** The metadata that stand now, whether or not they were written; undefined for a series that is not stored. */
  readonly stored: LoadedMetadata | undefined
  /** What came of its thumbnail; undefined when nobody looked at it. */
  readonly thumbnail: ThumbnailEnd | undefined
}

/**
 * Appends instances to a series and stores it. The series is looked at without a lock first: when the hints say that all
 * instances are there already, nothing else is asked for (but the thumbnail, where one is wanted), and no lock is taken.
 * @throws as `CODObject.open`, `append` and `sync`
 */
export async function ingest(instances: readonly Instance[], options: IngestOptions): Promise<IngestResult> {
  const { log, leaveHanging, signal, serialized, thumbnail, lookFirst = true, ...rest } = options
  const { treatMetadataDiffsAsSame, maxInstanceBytes, maxSeriesBytes, ...series } = rest
  if (serialized === undefined && lookFirst) {
    const stored = await allThereAlready(instances, series, thumbnail !== undefined, signal)
    if (stored !== undefined) return { new: [], same: instances, conflict: [], errors: [], ...stored }
  }
  const limits = {
    ...(treatMetadataDiffsAsSame !== undefined && { treatMetadataDiffsAsSame }),
    ...(maxInstanceBytes !== undefined && { maxInstanceBytes }),
    ...(maxSeriesBytes !== undefined && { maxSeriesBytes }),
  }
  const work = async (cod: CODObject) => {
    const result = await cod.append(instances, limits, signal)
    // Nothing is known of a series that nothing could be packed into.
    const isThere = cod.isChanged || cod.stored !== undefined
    const drawn = thumbnail && isThere ? await thumbnailAtIngest(cod, thumbnail, signal) : undefined
    await cod.sync({}, signal)
    return { ...result, stored: cod.stored, thumbnail: drawn }
  }
  const opening = serialized === undefined ? { ...series, lock: true } : { ...series, serialized }
  return await withCODObject(opening, work, { log, leaveHanging, signal })
}

/** @returns what is stored, if all of them are in it, and the thumbnail too where it is to be there */
async function allThereAlready(
  instances: readonly Instance[],
  series: Omit<CODObjectOptions, "lock">,
  withThumbnail: boolean,
  signal?: AbortSignal,
): Promise<Pick<IngestResult, "stored" | "thumbnail"> | undefined> {
  try {
    await using cod = await CODObject.open({ ...series, lock: false, createIfMissing: false }, signal)
    const stored = await cod.getMetadata(signal)
    for (const instance of instances) if (!(await isThereAlready(stored, instance))) return undefined
    if (!withThumbnail) return { stored: cod.stored, thumbnail: undefined }
    return (await cod.hasThumbnail(signal))
      ? { stored: cod.stored, thumbnail: { outcome: "kept" } }
      : undefined
  } catch (error) {
    if (error instanceof CODObjectNotFoundError) return undefined
    throw error
  }
}
