import { UsageError } from "../../support/errors.ts"
import { MAX_SIZE } from "./picture.ts"
import type { Resample } from "./resize.ts"

/** How a thumbnail is to be made. */
export interface ThumbnailOptions {
  /** Pixels a side (128): an even number, for H.264 halves its colours, from 16 to 4096. */
  readonly size?: number | undefined
  /** How frames are made smaller ("area"). */
  readonly resample?: Resample | undefined
}

/** The same with nothing left open. */
export interface ThumbnailPlan {
  readonly size: number
  readonly resample: Resample
}

const MIN_SIZE = 16

/** @throws UsageError */
export function planOf({ size = 128, resample = "area" }: ThumbnailOptions): ThumbnailPlan {
  if (!Number.isInteger(size) || size % 2 !== 0 || size < MIN_SIZE || size > MAX_SIZE) {
    throw new UsageError(
      `${size} is no size of a thumbnail`,
      `An even number of pixels from ${MIN_SIZE} to ${MAX_SIZE}.`,
    )
  }
  if (resample === "area" || resample === "bilinear") return { size, resample }
  throw new UsageError(`${JSON.stringify(resample)} is no way to resample`, 'Say "area" or "bilinear".')
}
