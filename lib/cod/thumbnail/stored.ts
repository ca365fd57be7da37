import { AccessDenied, NotFound } from "../../storage/errors.ts"
import { crc32cBase64 } from "../../support/checksums.ts"
import type { SeriesMetadata } from "../format/metadata/types.ts"
import { wholeObject } from "../reading/object-bytes.ts"
import type { Series } from "../reading/series.ts"
import type { ThumbnailDescription } from "./description.ts"
import { StaleThumbnailError, ThumbnailMissingError } from "./errors.ts"
import type { GeneratedThumbnail } from "./generate.ts"
import { readDescription, THUMBNAIL_FIELD } from "./read-description.ts"
import { whyStale } from "./stale.ts"
import { OBJECTS, type ThumbnailFile } from "./thumbnail-file.ts"

/** A thumbnail's file and what the metadata says of it. */
export interface DescribedFile extends ThumbnailFile {
  readonly description: ThumbnailDescription
}

/** A picture of 4096 pixels a side has 48 MB before it is compressed. */
const MAX_BYTES = 1 << 30

/** @throws ThumbnailMissingError when nothing is described, InvalidThumbnailError */
export function describedIn(series: Series, metadata: SeriesMetadata): ThumbnailDescription {
  const description = readDescription(metadata.fields.get(THUMBNAIL_FIELD), series.place.datastore)
  if (description === undefined) throw new ThumbnailMissingError(series.uri, "the metadata describes none")
  return description
}

/**
 * The thumbnail that metadata describe, from where the series stands, whatever place they remember.
 * @param options.allowStale what does not show the series as it is will do, too
 * @throws ThumbnailMissingError, StaleThumbnailError, InvalidThumbnailError, TooLarge, StorageError
 */
export async function readThumbnail(
  series: Series,
  metadata: SeriesMetadata,
  { allowStale = false }: { readonly allowStale?: boolean | undefined } = {},
  signal?: AbortSignal,
): Promise<DescribedFile> {
  const description = describedIn(series, metadata)
  const stale = whyStale(description, metadata)
  if (stale !== undefined && !allowStale) throw new StaleThumbnailError(series.uri, stale)
  const { kind, uri } = description
  const bytes = await bytesOf(series, description, signal)
  const crc32c = crc32cBase64(bytes)
  if (description.crc32c !== undefined && description.crc32c !== crc32c) {
    throw new StaleThumbnailError(series.uri, "its file is another one than the metadata describe")
  }
  return { kind, uri, bytes, crc32c, description }
}

/** One that was just made. */
export function fileOf({ description, bytes }: GeneratedThumbnail): DescribedFile {
  const { kind, uri, crc32c } = description
  return { kind, uri, bytes, crc32c, description }
}

/** Whether the series was changed after it had been made. */
export function isOutdated(
  { description }: GeneratedThumbnail,
  metadata: SeriesMetadata,
  { allowStale = false }: { readonly allowStale?: boolean | undefined },
): boolean {
  return !allowStale && whyStale(description, metadata) !== undefined
}

async function bytesOf(
  series: Series,
  { kind }: ThumbnailDescription,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  try {
    return (await wholeObject(series.object(OBJECTS[kind]), MAX_BYTES, signal)).bytes
  } catch (error) {
    // Who may not list is refused what is not there.
    if (!(error instanceof NotFound || error instanceof AccessDenied)) throw error
    throw new ThumbnailMissingError(series.uri, `thumbnail.${kind} is not there`, error)
  }
}
