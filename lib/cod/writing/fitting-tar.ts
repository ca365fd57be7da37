import { TarDisagreesError, TarValidationError } from "../errors.ts"
import type { InstanceRecord, SeriesMetadata } from "../format/metadata/types.ts"
import { recordsOf, type Series } from "../reading/series.ts"
import { tarRecordOf } from "../reading/tar-record.ts"
import { lookAtTar, type StoredTar } from "./stored-tar.ts"

/**
 * Looks at the tar of a series, as `lookAtTar` does, and sees to it that its metadata are of this very tar: by their own
 * record of it, where it fits, and by the place of every instance. Nothing is read for that beside what the look reads.
 * @param metadata undefined for a series that is not stored: it has no tar, either
 * @throws TarDisagreesError, also for a tar that is damaged
 */
export async function lookAtFittingTar(
  series: Series,
  metadata: SeriesMetadata | undefined,
  signal?: AbortSignal,
): Promise<StoredTar | undefined> {
  const stored = await undamaged(series, signal)
  const why = misfit(series, metadata, stored)
  if (why === undefined) return stored
  const { info } = stored ?? {}
  throw new TarDisagreesError(series.uri, why, { tarGeneration: info?.generation, tarBytes: info?.size })
}

async function undamaged(series: Series, signal?: AbortSignal): Promise<StoredTar | undefined> {
  try {
    return await lookAtTar(series, signal)
  } catch (error) {
    if (!(error instanceof TarValidationError)) throw error
    throw new TarDisagreesError(series.uri, "the tar is damaged", error.facts, error)
  }
}

/**
 * Why they do not belong together. That a record names another generation is no reason alone, for a datastore that was
 * copied to another bucket has other ones: but with it members that no metadata tells of are of a later write.
 */
function misfit(
  series: Series,
  metadata: SeriesMetadata | undefined,
  stored: StoredTar | undefined,
): string | undefined {
  const records = metadata === undefined ? [] : recordsOf(metadata)
  if (stored === undefined) return records.length > 0 ? "there is no tar" : undefined
  const { info, members } = stored
  if (metadata === undefined) {
    return members.length > 0 ? `there are no metadata, and ${members.length} members in the tar` : undefined
  }
  const record = tarRecordOf(series, metadata)
  if (record !== undefined && record.size !== info.size) {
    return `the metadata are of a tar of ${record.size} bytes, and this one has ${info.size}`
  }
  const places = new Set(records.map(({ startByte }) => startByte))
  const untold = members.find(({ type, start }) => type === "file" && !places.has(start))
  if (record !== undefined && record.generation !== info.generation && untold !== undefined) {
    return `the metadata are of an earlier tar, which lacked ${untold.name} at ${untold.start}`
  }
  const lost = lostIn(stored, metadata)
  return lost && `nothing of ${lost.size} bytes begins at ${lost.startByte}, where ${lost.key} should be`
}

/** The first instance of which no member begins where it should be; undefined when all have one. */
export function lostIn({ members }: StoredTar, metadata: SeriesMetadata): InstanceRecord | undefined {
  const sizes = new Map(members.map(({ start, size }) => [start, size]))
  return recordsOf(metadata).find(({ startByte, size }) => sizes.get(startByte) !== size)
}
