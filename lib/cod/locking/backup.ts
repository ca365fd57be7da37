import { NotFound } from "../../storage/errors.ts"
import type { ObjectSource } from "../../storage/store.ts"
import { CODError } from "../format/errors.ts"
import { DEFAULT_LIMITS, parseSeriesMetadata } from "../format/metadata/series.ts"
import { wholeMetadata } from "../reading/metadata-bytes.ts"
import type { FoundLock } from "./found.ts"

/**
 * How many instances a series had for whoever locked it: a lock holds its metadata as they were found then.
 * @returns undefined for a lock that holds none that can be read, or is gone
 * @throws StorageError
 */
export async function instancesInLock(
  source: ObjectSource,
  { key }: FoundLock,
  signal?: AbortSignal,
): Promise<number | undefined> {
  try {
    const { bytes } = await wholeMetadata({ source, key }, DEFAULT_LIMITS.documentBytes, signal)
    return parseSeriesMetadata(bytes).instances.size
  } catch (error) {
    if (error instanceof NotFound || error instanceof CODError) return undefined
    throw error
  }
}
