import type { Extent } from "./geometry.ts"

/** Samples of a picture, row by row; three of a pixel side by side. */
export interface Raster extends Extent {
  readonly samples: 1 | 3
  readonly data: ArrayLike<number>
  /** Of what it is a lower resolution (nothing). */
  readonly of?: Halved | undefined
}

/**
 * A picture that is there with its width and height halved so often, rounded up, as JPEG 2000 does it: of each pixel the
 * middle lies where the first one of those lies that it was made of (ISO/IEC 15444-1, annex F).
 */
export interface Halved extends Extent {
  readonly halvings: number
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

/** The same picture with so many pixels. Samples are not rounded. */
export function resized(raster: Raster, to: Extent, resample: Resample): Raster & { data: Float64Array } {
  const { samples, width, height, of = { width, height, halvings: 0 } } = raster
  const { halvings } = of
  const across = tapsOf({ pixels: width, of: of.width, halvings }, to.width, resample)
  const down = tapsOf({ pixels: height, of: of.height, halvings }, to.height, resample)
  const data = new Float64Array(to.width * to.height * samples)
  const line = new Float64Array(width * samples)
  for (let y = 0; y < to.height; y += 1) {
    const [begin, end] = [down.begin[y]!, down.end[y]!]
    line.fill(0)
    if (down.before[y]! > 0) addLines(raster.data, begin - 1, 1, down.before[y]!, line)
    addLines(raster.data, begin, end - begin, down.within[y]!, line)
    if (down.behind[y]! > 0) addLines(raster.data, end, 1, down.behind[y]!, line)
    mixAcross(line, across, data, y * to.width, samples)
  }
  return { width: to.width, height: to.height, samples, data }
}

/**
 * What the pixels of a line are made of: of others from `begin` to `end`, exclusive, which weigh the same, and in part of
 * the one before and the one behind these. All together weigh 1.
 */
interface Taps {
  readonly begin: Int32Array
  readonly end: Int32Array
  /** Weights, of each pixel. */
  readonly within: Float64Array
  readonly before: Float64Array
  readonly behind: Float64Array
}

/** Adds so many lines of a picture. This is where the time goes: a large one has millions of samples. */
function addLines(
  data: ArrayLike<number>,
  first: number,
  count: number,
  weight: number,
  to: Float64Array,
): void {
  const { length } = to
  const end = (first + count) * length
  let at = first * length
  for (; at + 4 * length <= end; at += 4 * length) {
    for (let i = 0, a = at, b = a + length, c = b + length, d = c + length; i < length; i += 1) {
      to[i]! += weight * (data[a + i]! + data[b + i]! + data[c + i]! + data[d + i]!)
    }
  }
  for (; at < end; at += length) for (let i = 0; i < length; i += 1) to[i]! += weight * data[at + i]!
}

/** Writes pixels from `start` on. */
function mixAcross(line: Float64Array, taps: Taps, to: Float64Array, start: number, samples: number): void {
  const { begin, end, within, before, behind } = taps
  for (let x = 0; x < begin.length; x += 1) {
    for (let sample = 0; sample < samples; sample += 1) {
      const first = samples * begin[x]! + sample
      const last = samples * end[x]! + sample
      let sum = 0
      for (let at = first; at < last; at += samples) sum += line[at]!
      let mean = sum * within[x]!
      if (before[x]! > 0) mean += line[first - samples]! * before[x]!
      if (behind[x]! > 0) mean += line[last]! * behind[x]!
      to[samples * (start + x) + sample] = mean
    }
  }
}

/** A line of so many pixels, which is one of `of` pixels that was halved so often. */
interface Axis {
  readonly pixels: number
  readonly of: number
  readonly halvings: number
}

interface Tap {
  readonly begin: number
  readonly end: number
  readonly within: number
  readonly before: number
  readonly behind: number
}

function tapsOf(axis: Axis, to: number, resample: Resample): Taps {
  const isByArea = resample === "area" && to < axis.pixels
  const taps = Array.from({ length: to }, (_, at) =>
    isByArea ? covering(at, axis, to) : neighbours(at, axis.pixels, to),
  )
  return {
    begin: Int32Array.from(taps, ({ begin }) => begin),
    end: Int32Array.from(taps, ({ end }) => end),
    within: Float64Array.from(taps, ({ within }) => within),
    before: Float64Array.from(taps, ({ before }) => before),
    behind: Float64Array.from(taps, ({ behind }) => behind),
  }
}

/** The pixels that it covers, those at its ends in part. Shares are counted in whole numbers, of `unit` a pixel. */
function covering(at: number, { pixels, of, halvings }: Axis, to: number): Tap {
  const unit = 2 ** (halvings + 1) * to
  const edge = (n: number) => {
    if (n === 0 || n === to) return n === 0 ? 0 : pixels * unit
    return 2 * n * of + (2 ** halvings - 1) * to
  }
  const [from, until] = [edge(at), edge(at + 1)]
  // More than a pixel, of which at least one edge is covered: begin is not behind end.
  const [begin, end] = [Math.ceil(from / unit), Math.floor(until / unit)]
  const weight = (covered: number) => covered / (until - from)
  return {
    begin,
    end,
    within: weight(unit),
    before: weight(begin * unit - from),
    behind: weight(until - end * unit),
  }
}

/** The two pixels between whose middles its own lies; beyond the last one's middle that one alone. */
function neighbours(at: number, from: number, to: number): Tap {
  const middle = (at + 0.5) * (from / to) - 0.5
  const first = Math.max(0, Math.min(from - 1, Math.floor(middle)))
  const share = first === from - 1 ? 0 : Math.max(0, middle - first)
  return { begin: first + 1, end: first + 1, within: 0, before: 1 - share, behind: share }
}
