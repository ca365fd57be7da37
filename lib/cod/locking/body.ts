import { gzip } from "../format/gzip.ts"
import { stringifyJson } from "../format/json.ts"
import { encodeSeriesMetadata } from "../format/metadata/series.ts"
import type { SeriesMetadata } from "../format/metadata/types.ts"

/**
 * What a lock holds: the series' metadata as somebody who is about to write it found them, gzip, so that they are there
 * once more if the writer breaks something. They are read before the lock is ours, so they may be older than those that
 * are stored when it is: a backup, never what one works on.
 *
 * The Python package takes a lock whose metadata have no instances for abandoned, after an hour. What lacks the UIDs it
 * cannot read, and leaves alone.
 *
 * @param stored undefined for a series that is not there yet
 */
export function lockBody(stored: SeriesMetadata | undefined): Uint8Array {
  if (stored !== undefined && stored.instances.size > 0) return encodeSeriesMetadata(stored)
  const fields = Object.fromEntries(stored?.fields ?? [])
  return gzip(Buffer.from(stringifyJson({ cod: { instances: {} }, fields })))
}
