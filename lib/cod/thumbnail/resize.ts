import type { Extent } from "./geometry.ts"

/** Samples of a picture, row by row; three of a pixel side by side. */
export interface Raster extends Extent {
  readonly samples: 1 | 3
  readonly data: ArrayLike<number>
}

/**
 * How a picture is made smaller.
 *
 * - `area`: each pixel is the mean of what it covers. Nothing that is there gets lost, and nothing appears that is not.
 * - `bilinear`: each pixel is interpolated between the four that are nearest to its middle, as OpenCV's INTER_LINEAR does:
 *   what lies between is not looked at.
 *
 * Both make a picture larger by interpolation.
 */
export type Resample = "area" | "bilinear"

/** What a pixel is made of along one axis: weights, whose sum is 1, of the pixels from `start` on. */
interface Tap {
  readonly start: number
  readonly weights: readonly number[]
}

/** The same picture with so many pixels. Samples are not rounded. */
export function resized(raster: Raster, to: Extent, resample: Resample): Raster & { data: Float64Array } {
  const { samples, width, height } = raster
  const across = taps(width, to.width, resample)
  const down = taps(height, to.height, resample)
  const data = new Float64Array(to.width * to.height * samples)
  const row = new Float64Array(width * samples)
  down.forEach((tap, y) => {
    mixRows(raster.data, tap, row)
    mixColumns(row, across, samples, data, y * to.width * samples)
  })
  return { ...to, samples, data }
}

/** One line of pixels that is as high as a row of the result. */
function mixRows(data: ArrayLike<number>, { start, weights }: Tap, into: Float64Array): void {
  const { length } = into
  into.fill(0)
  for (let n = 0; n < weights.length; n += 1) {
    const weight = weights[n]!
    const at = (start + n) * length
    for (let i = 0; i < length; i += 1) into[i]! += weight * data[at + i]!
  }
}

function mixColumns(
  row: Float64Array,
  across: readonly Tap[],
  samples: number,
  into: Float64Array,
  at: number,
): void {
  let to = at
  for (const { start, weights } of across) {
    for (let sample = 0; sample < samples; sample += 1) {
      let sum = 0
      let from = start * samples + sample
      for (let n = 0; n < weights.length; n += 1, from += samples) sum += weights[n]! * row[from]!
      into[to] = sum
      to += 1
    }
  }
}

function taps(from: number, to: number, resample: Resample): readonly Tap[] {
  const tap = resample === "area" && to < from ? covering : between
  return Array.from({ length: to }, (_, at) => tap(at, from, to))
}

/** The pixels that it covers, those at its ends in part. Shares are counted in whole numbers, of `to` a pixel. */
function covering(at: number, from: number, to: number): Tap {
  const [begin, end] = [at * from, (at + 1) * from]
  const start = Math.floor(begin / to)
  const weights: number[] = []
  for (let pixel = start; pixel * to < end; pixel += 1) {
    weights.push((Math.min(end, (pixel + 1) * to) - Math.max(begin, pixel * to)) / from)
  }
  return { start, weights }
}

/** The two pixels between whose middles its own lies; beyond the last one's middle that one alone. */
function between(at: number, from: number, to: number): Tap {
  const middle = (at + 0.5) * (from / to) - 0.5
  const start = Math.floor(middle)
  if (start < 0) return { start: 0, weights: [1] }
  if (start >= from - 1) return { start: from - 1, weights: [1] }
  const share = middle - start
  return share === 0 ? { start, weights: [1] } : { start, weights: [1 - share, share] }
}
