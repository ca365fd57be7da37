import { anatomyOf } from "./phantom-anatomy.ts"
import { blurred } from "./phantom-blur.ts"
import type { Canvas } from "./phantom-canvas.ts"
import { attenuationLateral } from "./phantom-lateral.ts"
import { attenuationPa } from "./phantom-pa.ts"
import { seededRandom } from "./seed-ids.ts"

export type View = "PA" | "LATERAL"

/** Stored values are 12 bits wide. */
export const MAX_VALUE = 4095

/** Beyond this size the picture is only enlarged: the anatomy has no finer detail to draw. */
const MAX_DRAWN_PIXELS = 1_100_000

export interface Picture {
  /** Decides the anatomy, and names the patient. */
  readonly seed: number
  readonly view: View
  readonly rows: number
  readonly columns: number
  /** Decides the noise: no two exposures are alike. */
  readonly instanceNumber: number
}

/**
 * The picture of a phantom: rows x columns values of 0 to 4095, row by row, bright where little radiation
 * arrived (the sense of MONOCHROME2). Equal arguments give equal pixels.
 */
export function phantomPixels({ seed, view, rows, columns, instanceNumber }: Picture): Uint16Array {
  const shrink = Math.min(1, Math.sqrt(MAX_DRAWN_PIXELS / (rows * columns)))
  const attenuation = view === "PA" ? attenuationPa : attenuationLateral
  const drawn = attenuation(anatomyOf(seed), Math.ceil(columns * shrink), Math.ceil(rows * shrink))
  return digitize(brightness(drawn), drawn, rows, columns, seededRandom(seed + 65_537 * instanceNumber))
}

/**
 * What a radiography system does before anyone looks: flattens wide shadows, lifts detail, bends the curve.
 */
function brightness(canvas: Canvas): Float32Array {
  const wide = blurred(canvas, 1.6)
  const fine = blurred(canvas, 0.25)
  return canvas.density.map((value, i) => {
    const enhanced = 0.8 * wide[i]! + 1.1 * (value - wide[i]!) + 0.9 * (value - fine[i]!)
    return (filmCurve(enhanced) - AIR) / (1 - AIR)
  })
}

/** Blackening by attenuation, as on film: flat in air and behind lead, steepest between lung and heart. */
const filmCurve = (attenuation: number) => 1 / (1 + Math.exp((10.8 - attenuation) / 4.6))

const AIR = filmCurve(0)

/** Enlarges to the size asked for (bilinear), adds quantum noise and cuts to 12 bits. */
function digitize(
  picture: Float32Array,
  drawn: Canvas,
  rows: number,
  columns: number,
  random: () => number,
): Uint16Array {
  const pixels = new Uint16Array(rows * columns)
  const [horizontal, vertical] = [samples(drawn.columns, columns), samples(drawn.rows, rows)]
  for (let r = 0, index = 0; r < rows; r++) {
    const down = vertical.weight[r]!
    const above = vertical.before[r]! * drawn.columns
    const below = vertical.after[r]! * drawn.columns
    for (let c = 0; c < columns; c++, index++) {
      const [left, right, across] = [horizontal.before[c]!, horizontal.after[c]!, horizontal.weight[c]!]
      const upper = picture[above + left]! * (1 - across) + picture[above + right]! * across
      const lower = picture[below + left]! * (1 - across) + picture[below + right]! * across
      const noise = (random() + random() - 1) * 60
      const value = 80 + 3900 * (upper * (1 - down) + lower * down) + noise
      pixels[index] = Math.min(MAX_VALUE, Math.max(0, value))
    }
  }
  return pixels
}

/**
 * For each of `to` pixels along a line, its two neighbours among `from` drawn ones and the weight of the
 * second.
 */
function samples(from: number, to: number) {
  const before = new Uint32Array(to)
  const after = new Uint32Array(to)
  const weight = new Float64Array(to)
  for (let i = 0; i < to; i++) {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5))
    before[i] = at
    after[i] = Math.min(from - 1, before[i]! + 1)
    weight[i] = at - before[i]!
  }
  return { before, after, weight }
}
