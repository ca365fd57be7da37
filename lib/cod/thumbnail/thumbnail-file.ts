import { crc32cBase64 } from "../../support/checksums.ts"
import { objectUri, type SeriesKeys } from "../format/layout.ts"
import type { Scratch } from "../reading/scratch.ts"
import type { Series } from "../reading/series.ts"
import type { ThumbnailKind } from "./description.ts"
import { InvalidThumbnailError } from "./errors.ts"
import { decodeJpg, encodeJpg } from "./jpg.ts"
import { decodeMp4, encodeMp4 } from "./mp4.ts"
import type { Picture } from "./picture.ts"

/** The file of a thumbnail. */
export interface ThumbnailFile {
  readonly kind: ThumbnailKind
  readonly uri: string
  readonly bytes: Uint8Array
  readonly crc32c: string
}

/** Whose thumbnail it is to be, and where ffmpeg may put it meanwhile. */
export interface EncodeTo {
  readonly seriesUri: string
  readonly scratch: Scratch
  readonly uris: Readonly<Record<ThumbnailKind, string>>
}

/** The objects of a series that are thumbnails. */
export const OBJECTS = { jpg: "thumbnailJpg", mp4: "thumbnailMp4" } as const satisfies Record<
  ThumbnailKind,
  keyof SeriesKeys
>

/** How they are stored. */
export const CONTENT_TYPES: Readonly<Record<ThumbnailKind, string>> = { jpg: "image/jpeg", mp4: "video/mp4" }

export function encodeTo({ place, uri, scratch }: Series): EncodeTo {
  const uris = { jpg: objectUri(place, OBJECTS.jpg), mp4: objectUri(place, OBJECTS.mp4) }
  return { seriesUri: uri, scratch, uris }
}

/**
 * One picture becomes a JPEG, several a video. They are taken as they come.
 * @throws FfmpegMissingError, FfmpegFailedError; what `pictures` throws
 */
export async function encodeThumbnail(
  pictures: AsyncGenerator<Picture>,
  size: number,
  { scratch, uris }: EncodeTo,
  signal?: AbortSignal,
): Promise<ThumbnailFile> {
  const first = await pictures.next()
  const second = await pictures.next()
  const file = (kind: ThumbnailKind, bytes: Uint8Array) => {
    return { kind, uri: uris[kind], bytes, crc32c: crc32cBase64(bytes) }
  }
  // Whoever has an instance with pixels has a frame.
  if (second.done === true) return file("jpg", await encodeJpg(first.value as Picture))
  const all = async function* () {
    yield first.value as Picture
    yield second.value as Picture
    yield* pictures
  }
  const path = scratch.newFile("thumbnail.mp4")
  try {
    await encodeMp4(all(), size, path, signal)
    return file("mp4", await Bun.file(path).bytes())
  } finally {
    scratch.remove(path)
  }
}

/**
 * The pictures of a thumbnail's file.
 * @param frames that it is said to have
 * @throws InvalidThumbnailError, FfmpegMissingError
 */
export async function decodeThumbnail(
  { kind, bytes }: Pick<ThumbnailFile, "kind" | "bytes">,
  frames: number,
  scratch: Scratch,
  signal?: AbortSignal,
): Promise<readonly Picture[]> {
  if (kind === "jpg") {
    if (frames !== 1)
      throw new InvalidThumbnailError(`thumbnail.jpg shows 1 frame, by the metadata ${frames}`)
    return [await decodeJpg(bytes)]
  }
  const path = scratch.newFile("thumbnail.mp4")
  try {
    scratch.reserve(path, bytes.length)
    await Bun.write(path, bytes)
    return await decodeMp4(path, frames, signal)
  } finally {
    scratch.remove(path)
  }
}
