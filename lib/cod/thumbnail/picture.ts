import type { DecodedFrame, GreyScale } from "../pixels/index.ts"
import { type Anchors, placed } from "./geometry.ts"
import { type Resample, resized } from "./resize.ts"

/** A square of RGB pixels, row by row. */
export interface Picture {
  /** Pixels a side. */
  readonly size: number
  /** 3 bytes a pixel. */
  readonly rgb: Uint8Array
}

/** A frame as a thumbnail shows it. */
export interface FramePicture {
  readonly picture: Picture
  readonly anchors: Anchors
  /** All of its pixels are alike: the picture is black. */
  readonly isBlank: boolean
}

/** What a thumbnail has at most a side. */
export const MAX_SIZE = 4096

/**
 * A frame in a black square: made smaller first, then windowed, then stretched so that its darkest sample is black and its
 * brightest one white. All channels of a colour are stretched alike, and greys are turned the right way up.
 */
export function pictureOf(
  frame: DecodedFrame,
  scale: Pick<GreyScale, "map" | "isInverted">,
  size: number,
  resample: Resample,
): FramePicture {
  const { samples, of = frame } = frame
  const anchors = placed({ width: of.columns, height: of.rows }, size)
  const small = shrunk(frame, anchors, resample)
  const values = samples === 1 ? mapped(small, scale) : small
  const picture = blackPicture(size)
  const range = rangeOf(values)
  if (range === undefined) return { picture, anchors, isBlank: true }
  draw(picture, anchors, { values, samples, ...stretch(range, samples === 1 && scale.isInverted) })
  return { picture, anchors, isBlank: false }
}

export function blackPicture(size: number): Picture {
  return { size, rgb: new Uint8Array(size * size * 3) }
}

function shrunk(frame: DecodedFrame, { box }: Anchors, resample: Resample): ArrayLike<number> {
  const { columns: width, rows: height, samples, data, of } = frame
  if (width === box.width && height === box.height) return data
  const halved = of && { width: of.columns, height: of.rows, halvings: of.halvings }
  return resized({ width, height, samples, data, of: halved }, box, resample).data
}

function mapped(small: ArrayLike<number>, { map }: Pick<GreyScale, "map">): Float64Array {
  const values = new Float64Array(small.length)
  for (let i = 0; i < values.length; i += 1) values[i] = map(small[i]!)
  return values
}

/** @returns undefined where all are alike, or none is a number */
function rangeOf(values: ArrayLike<number>): { readonly min: number; readonly max: number } | undefined {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i]!
    if (!Number.isFinite(value)) continue
    if (value < min) min = value
    if (value > max) max = value
  }
  return max > min ? { min, max } : undefined
}

interface Stretched {
  readonly values: ArrayLike<number>
  readonly samples: 1 | 3
  /** What becomes 0, and what a step of 1 becomes. */
  readonly zero: number
  readonly factor: number
}

function stretch({ min, max }: { readonly min: number; readonly max: number }, isInverted: boolean) {
  const factor = 255 / (max - min)
  return isInverted ? { zero: max, factor: -factor } : { zero: min, factor }
}

function draw({ size, rgb }: Picture, { box }: Anchors, { values, samples, zero, factor }: Stretched): void {
  let from = 0
  for (let row = 0; row < box.height; row += 1) {
    const start = ((box.top + row) * size + box.left) * 3
    for (let to = start; to < start + box.width * 3; to += 3, from += samples) {
      const red = byte((values[from]! - zero) * factor)
      rgb[to] = red
      rgb[to + 1] = samples === 1 ? red : byte((values[from + 1]! - zero) * factor)
      rgb[to + 2] = samples === 1 ? red : byte((values[from + 2]! - zero) * factor)
    }
  }
}

/** Cut to whole numbers, as the Python package does. What is no number is black. */
function byte(value: number): number {
  // 255 times a fraction may come out a hair too small.
  return value >= 255 ? 255 : value > 0 ? Math.trunc(value + 1e-9) : 0
}
