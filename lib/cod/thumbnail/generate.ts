import { TooLarge } from "../errors.ts"
import type { CODError } from "../format/errors.ts"
import type { Instance } from "../instance.ts"
import { instancesIn, type ShownFrame, type ThumbnailDescription } from "./description.ts"
import { NoExtractablePixelDataError, SeriesMissingPixelDataError } from "./errors.ts"
import { inAdvance } from "./in-advance.ts"
import { type DrawnFrame, framesOf, openInstance } from "./instance-frames.ts"
import type { ThumbnailPlan } from "./options.ts"
import type { Picture } from "./picture.ts"
import { type EncodeTo, encodeThumbnail } from "./thumbnail-file.ts"

/** A frame that is black in the thumbnail. */
export interface BlackFrame {
  readonly key: string
  /** Of the instance, from 0. */
  readonly frame: number
  /** What kept it from being decoded; undefined for one whose pixels are all alike. */
  readonly error: CODError | undefined
}

/** A thumbnail that was made. */
export interface GeneratedThumbnail {
  readonly description: ThumbnailDescription & { readonly crc32c: string }
  /** The file: JPEG or MP4. */
  readonly bytes: Uint8Array
  /** Frames that show nothing, and why. */
  readonly black: readonly BlackFrame[]
}

/** More frames nobody looks at: at four a second it would be more than three hours. */
const MAX_FRAMES = 50_000

/** What is read while another one is drawn. */
const AHEAD = { count: 4, bytes: 64 << 20 }

/**
 * Makes the thumbnail of instances: those with pixels, in this order, all of their frames. One of them is in memory at a
 * time, and those that are read meanwhile. A frame that cannot be decoded is black, like one without contrast; both are told.
 * @throws SeriesMissingPixelDataError, NoExtractablePixelDataError when not one frame can be decoded, TooLarge,
 *   FfmpegMissingError for several frames, StorageError
 */
export async function generateThumbnail(
  instances: readonly Instance[],
  plan: ThumbnailPlan,
  to: EncodeTo,
  signal?: AbortSignal,
): Promise<GeneratedThumbnail> {
  const { seriesUri } = to
  const withPixels: Instance[] = []
  for (const instance of instances) if (await instance.hasPixeldata(signal)) withPixels.push(instance)
  if (withPixels.length === 0) throw new SeriesMissingPixelDataError(seriesUri, instances.length)

  const shown: ShownFrame[] = []
  const black: BlackFrame[] = []
  async function* pictures(): AsyncGenerator<Picture> {
    for await (const opened of inAdvance(withPixels, { open: openInstance, sizeOf, ...AHEAD }, signal)) {
      for await (const frame of framesOf(opened, plan, signal)) {
        if (shown.length >= MAX_FRAMES) throw new TooLarge("the number of a thumbnail's frames", MAX_FRAMES)
        shown.push(shownAs(frame))
        if (frame.isBlack) black.push({ key: frame.key, frame: frame.frame, error: frame.error })
        yield frame.picture
      }
    }
  }
  const { kind, uri, bytes, crc32c } = await encodeThumbnail(pictures(), plan.size, to, signal)
  const failed = black.filter(({ error }) => error !== undefined)
  if (failed.length === shown.length) {
    throw new NoExtractablePixelDataError(seriesUri, shown.length, failed[0]?.error)
  }
  const crc32cs = new Map(withPixels.map(({ record }) => [record?.key, record?.crc32c]))
  const described = instancesIn(shown, (key) => crc32cs.get(key))
  const { size } = plan
  return { description: { kind, uri, size, crc32c, frames: shown, instances: described }, bytes, black }
}

function shownAs({ key, frame, anchors }: DrawnFrame): ShownFrame {
  return { key, frame, anchors }
}

function sizeOf({ record }: Instance): number {
  return record?.size ?? Number.POSITIVE_INFINITY
}
