import type { Scratch } from "../reading/scratch.ts"
import { frameAt, indicesOf, type ShownFrame, type ThumbnailDescription } from "./description.ts"
import type { Picture } from "./picture.ts"
import { decodeThumbnail, type ThumbnailFile } from "./thumbnail-file.ts"

/** A series' thumbnail, or the part of it that shows one instance. */
export interface Thumbnail {
  readonly description: ThumbnailDescription
  /** What each picture shows. */
  readonly shown: readonly ShownFrame[]
  readonly pictures: readonly Picture[]
}

/**
 * @param key the instance whose frames are wanted (all)
 * @throws NotInThumbnailError, InvalidThumbnailError, FfmpegMissingError for a video
 */
export async function thumbnailOf(
  file: Pick<ThumbnailFile, "kind" | "bytes">,
  description: ThumbnailDescription,
  key: string | undefined,
  scratch: Scratch,
  signal?: AbortSignal,
): Promise<Thumbnail> {
  const all = description.frames
  const indices = key === undefined ? [...all.keys()] : indicesOf(description, key)
  const pictures = await decodeThumbnail(file, all.length, scratch, signal)
  return {
    description,
    shown: indices.map((at) => frameAt(description, at)),
    pictures: indices.map((at) => pictures[at]!),
  }
}
