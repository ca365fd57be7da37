import type { SeriesMetadata } from "../format/metadata/types.ts"
import { recordsOf } from "../reading/series.ts"
import type { ShownInstance } from "./description.ts"
import { InvalidThumbnailError } from "./errors.ts"
import { readDescription, THUMBNAIL_FIELD } from "./read-description.ts"

/**
 * Why a thumbnail does not show the series as it is; undefined when it does. Instances without pixels do not count, and of
 * one whose maker wrote no checksum down it is believed to show the file that is there.
 */
export function whyStale(
  description: { readonly instances: ReadonlyMap<string, Pick<ShownInstance, "crc32c">> },
  metadata: SeriesMetadata,
): string | undefined {
  const records = recordsOf(metadata)
  const lacking = records.filter(({ key, hasPixeldata }) => hasPixeldata && !description.instances.has(key))
  const gone = [...description.instances.keys()].filter((key) => !metadata.instances.has(key))
  const others = records.filter(({ key, crc32c }) => {
    const shown = description.instances.get(key)?.crc32c
    return shown !== undefined && shown !== crc32c
  })
  const why = [
    ...(lacking.length > 0 ? [`it lacks ${lacking.length} instances`] : []),
    ...(gone.length > 0 ? [`it shows ${gone.length} that are gone`] : []),
    ...(others.length > 0 ? [`${others.length} have other bytes now`] : []),
  ]
  return why.length === 0 ? undefined : why.join(", ")
}

/** Whether metadata describe a thumbnail that shows the series as it is; nobody looks whether its file is there. */
export function describesThumbnail(metadata: SeriesMetadata, datastore: string): boolean {
  try {
    const description = readDescription(metadata.fields.get(THUMBNAIL_FIELD), datastore)
    return description !== undefined && whyStale(description, metadata) === undefined
  } catch (error) {
    if (error instanceof InvalidThumbnailError) return false
    throw error
  }
}
