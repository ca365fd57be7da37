import {
  describePixels,
  type InstanceRecord,
  parseDicom,
  type RenderedFrame,
  renderFrame,
  TooLarge,
  type Window,
} from "../../cod/index.ts"
import { requireFrame } from "../../cod/reading/file-frames.ts"
import { lru } from "../../cod/reading/lru.ts"
import { encodePicture, sized } from "../../operate/cod/render-picture.ts"
import type { Media } from "./media.ts"
import type { OpenSeries } from "./open-series.ts"

/** Pixels of the long side that a frame is shown with at most. */
export const FRAME_SIZES = [256, 1024, 2048] as const
export type FrameSize = (typeof FRAME_SIZES)[number]

export interface WantedFrame {
  readonly record: InstanceRecord
  /** From 1. */
  readonly frame: number
  readonly size: FrameSize
  readonly window: Window | undefined
}

/** What a page may ask of this machine's memory, twice at a time. */
const LIMITS = { instanceBytes: 256 << 20, frameBytes: 128 << 20 }

/** Draws frames. */
export interface Frames {
  /**
   * A frame as a person should see it, never larger than it is.
   * @throws FrameNotFoundError, TooLarge, UndecodableFrameError, as `openInstance`
   */
  draw(series: OpenSeries, wanted: WantedFrame, signal: AbortSignal): Promise<Media>
}

/** Files of several frames are kept for the next one of them. */
const KEPT_BYTES = 64 << 20

export function frames(): Frames {
  const kept = lru<Uint8Array>(KEPT_BYTES, (bytes) => bytes.length)

  const bytesOf = async (
    { cod, known, generation }: OpenSeries,
    { key, size }: InstanceRecord,
    signal: AbortSignal,
  ) => {
    if (size > LIMITS.instanceBytes) throw new TooLarge("an image that is shown here", LIMITS.instanceBytes)
    const name = `${known.seriesNo} ${generation} ${key}`
    const at = kept.get(name)
    if (at !== undefined) return { bytes: at, keep() {} }
    await using view = await cod.openInstance(key, signal)
    const bytes = await view.bytes()
    return { bytes, keep: () => kept.set(name, bytes) }
  }

  return {
    async draw(series, { record, frame, size, window }, signal) {
      const { bytes, keep } = await bytesOf(series, record, signal)
      const file = parseDicom(bytes)
      const limits = { frameBytes: LIMITS.frameBytes }
      const count = describePixels(file, limits)?.frames ?? 0
      requireFrame(record.key, frame, count)
      if (count > 1) keep()
      const options = { limits, enough: size, ...(window !== undefined && { window }) }
      const rendered = await renderFrame(file, frame - 1, options, signal)
      const jpeg = await encodePicture(sized(rendered, fitting(rendered, size)), "jpg")
      return { bytes: new Uint8Array(jpeg), type: "image/jpeg" }
    },
  }
}

function fitting({ rows, columns }: RenderedFrame, size: number): number | undefined {
  return Math.max(rows, columns) > size ? size : undefined
}
