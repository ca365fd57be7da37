import { InvalidThumbnailError, NotInThumbnailError } from "./errors.ts"
import type { Anchors } from "./geometry.ts"

/** One frame is a picture, several are a video. */
export type ThumbnailKind = "jpg" | "mp4"

/** A frame of a thumbnail: what it shows, and where. */
export interface ShownFrame {
  readonly key: string
  /** Of the instance, from 0. */
  readonly frame: number
  readonly anchors: Anchors
}

/** An instance that a thumbnail shows. */
export interface ShownInstance {
  /** Of its frames, in their order, the places in the thumbnail, from 0. */
  readonly indices: readonly number[]
  /** Of the DICOM file that was shown; undefined where others made the thumbnail. */
  readonly crc32c: string | undefined
}

/** What the metadata says of a series' thumbnail. */
export interface ThumbnailDescription {
  readonly kind: ThumbnailKind
  /** As its maker named it, in full. */
  readonly uri: string
  /** Pixels a side. */
  readonly size: number
  /** Of the thumbnail's own file; undefined where others made it. */
  readonly crc32c: string | undefined
  readonly frames: readonly ShownFrame[]
  readonly instances: ReadonlyMap<string, ShownInstance>
}

/**
 * The frame at a place of a thumbnail; a negative one counts from the end.
 * @throws NotInThumbnailError
 */
export function frameAt({ frames }: ThumbnailDescription, index: number): ShownFrame {
  const frame = Number.isInteger(index) ? frames.at(index) : undefined
  if (frame === undefined) throw new NotInThumbnailError(index, frames.length)
  return frame
}

/** The places of an instance's frames, in their order. @throws NotInThumbnailError */
export function indicesOf({ frames, instances }: ThumbnailDescription, key: string): readonly number[] {
  const shown = instances.get(key)
  if (shown === undefined) throw new NotInThumbnailError(key, frames.length)
  return shown.indices
}

/** Of the block that is written: its corners are those of the last pixels, inclusive. */
const VERSION = "1.0"

/**
 * The field `thumbnail` of a series' metadata. Checksums and the size are ours; the Python package looks past them.
 */
export function thumbnailBlock(description: ThumbnailDescription): object {
  const { uri, size, crc32c, frames, instances } = description
  return {
    version: VERSION,
    uri,
    size,
    crc32c,
    thumbnail_index_to_instance_frame: frames.map(({ key, frame }) => [key, frame]),
    instances: Object.fromEntries(
      [...instances].map(([key, { indices, crc32c }]) => {
        const shown = indices.map((at) => ({
          thumbnail_index: at,
          anchors: anchorsBlock(frames[at]!.anchors),
        }))
        return [key, { crc32c, frames: shown }]
      }),
    ),
  }
}

function anchorsBlock({ original, box }: Anchors): object {
  return {
    original_size: { width: original.width, height: original.height },
    thumbnail_upper_left: { row: box.top, col: box.left },
    thumbnail_bottom_right: { row: box.top + box.height - 1, col: box.left + box.width - 1 },
    scale_factor: original.width / box.width,
  }
}

/** The instances of a thumbnail, in the order in which they are shown. */
export function instancesIn(
  frames: readonly ShownFrame[],
  crc32cOf: (key: string) => string | undefined,
): ReadonlyMap<string, ShownInstance> {
  const indices = Map.groupBy(frames.keys(), (at) => frames[at]!.key)
  return new Map([...indices].map(([key, all]) => [key, { indices: all, crc32c: crc32cOf(key) }]))
}

/** What is none that anybody could have written is refused in these words. */
export function invalidBlock(what: string): InvalidThumbnailError {
  return new InvalidThumbnailError(`the metadata describes its thumbnail in a way that nobody knows: ${what}`)
}
