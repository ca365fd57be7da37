/** A grid on which X-ray attenuation is added up, in centimetres of water. */
export interface Canvas {
  readonly columns: number
  readonly rows: number
  readonly pixelsPerCm: number
  /** Position of the top left corner in cm; x grows to the right of the image, y down. */
  readonly left: number
  readonly top: number
  readonly density: Float32Array
}

export interface Point {
  readonly x: number
  readonly y: number
}

/** The detector, 35 x 43 cm, portrait: y runs from 0 at its top, x = 0 is its middle. */
export const FIELD = { width: 35, height: 43 }

/** An empty canvas of any proportions that shows the whole field. */
export function createCanvas(columns: number, rows: number): Canvas {
  const pixelsPerCm = Math.min(columns / FIELD.width, rows / FIELD.height)
  return {
    columns,
    rows,
    pixelsPerCm,
    left: -columns / pixelsPerCm / 2,
    top: (FIELD.height - rows / pixelsPerCm) / 2,
    density: new Float32Array(columns * rows),
  }
}

/** Adds to every pixel what `row(y)(x, index)` says; what depends on y alone is computed once a row. */
export function paint(canvas: Canvas, row: (y: number) => (x: number, index: number) => number): void {
  const { columns, rows, pixelsPerCm, left, top, density } = canvas
  for (let r = 0, index = 0; r < rows; r++) {
    const at = row(top + (r + 0.5) / pixelsPerCm)
    for (let c = 0; c < columns; c++, index++) density[index]! += at(left + (c + 0.5) / pixelsPerCm, index)
  }
}

/** Distance in space between the samples of a path, in cm. */
export const STEP = 0.06

export interface Tube {
  /** In cm. */
  readonly radius: number
  /** Of the wall, relative to water; negative for air. */
  readonly density: number
  /** Bones have a dense wall around a looser core: the core's radius and density. */
  readonly core?: { readonly radius: number; readonly density: number }
}

/**
 * Adds the shadow of a tube along a path of samples `STEP` apart in space. Summing discs gives the chord
 * lengths of a cylinder, and more where the path runs along the beam, as in a real projection.
 */
export function drawTube(canvas: Canvas, path: readonly Point[], { radius, density, core }: Tube): void {
  // Where samples lie closer than half a pixel, some of them stand for all.
  const stride = Math.max(1, Math.floor(0.5 / (STEP * canvas.pixelsPerCm)))
  const length = STEP * stride
  for (let i = 0; i < path.length; i += stride) {
    addDisc(canvas, path[i]!, radius, density * length)
    if (core !== undefined) addDisc(canvas, path[i]!, core.radius, (core.density - density) * length)
  }
}

function addDisc(canvas: Canvas, center: Point, radius: number, amount: number): void {
  const { columns, rows, pixelsPerCm, left, top, density } = canvas
  const x = (center.x - left) * pixelsPerCm - 0.5
  const y = (center.y - top) * pixelsPerCm - 0.5
  const r = radius * pixelsPerCm
  const reach = r + 0.5
  // A disc smaller than a pixel covers it in part.
  const weight = amount * Math.min(1, r / 0.5)
  for (let row = Math.max(0, Math.ceil(y - reach)); row <= Math.min(rows - 1, y + reach); row++) {
    const span = Math.sqrt(Math.max(0, reach * reach - (row - y) ** 2))
    for (let column = Math.max(0, Math.ceil(x - span)); column <= Math.min(columns - 1, x + span); column++) {
      const distance = Math.sqrt((column - x) ** 2 + (row - y) ** 2)
      density[row * columns + column]! += weight * Math.min(1, reach - distance)
    }
  }
}

/** Samples, about `STEP` apart, of a smooth line through the points (xs[i], ys[i]). */
export function smoothPath(xs: readonly number[], ys: readonly number[]): Point[] {
  const knots = xs.map((_, i) => i)
  const [x, y] = [curve(knots, xs), curve(knots, ys)]
  const length = knots
    .slice(1)
    .reduce((sum, i) => sum + Math.hypot(xs[i]! - xs[i - 1]!, ys[i]! - ys[i - 1]!), 0)
  const count = Math.max(2, Math.round(length / STEP))
  return Array.from({ length: count + 1 }, (_, i) => {
    const t = (i / count) * (xs.length - 1)
    return { x: x(t), y: y(t) }
  })
}

/** A smooth function that is `values[i]` at `knots[i]` (Catmull-Rom), constant beyond the outer knots. */
export function curve(knots: readonly number[], values: readonly number[]): (at: number) => number {
  const last = knots.length - 1
  const slopes = knots.map((_, i) => {
    const [before, after] = [Math.max(0, i - 1), Math.min(last, i + 1)]
    return (values[after]! - values[before]!) / (knots[after]! - knots[before]!)
  })
  return (at) => {
    const next = knots.findIndex((knot) => knot > at)
    if (next === 0) return values[0]!
    if (next < 0) return values[last]!
    const i = next - 1
    const width = knots[next]! - knots[i]!
    const t = (at - knots[i]!) / width
    const bend = slopes[i]! * (1 - t) - slopes[next]! * t
    return values[i]! + (values[next]! - values[i]!) * t * t * (3 - 2 * t) + width * t * (1 - t) * bend
  }
}

/** 0 outside, 1 inside, rising over `softness` around the border, where `inside` is 0. */
export function edge(inside: number, softness: number): number {
  const t = Math.min(1, Math.max(0, 0.5 + inside / softness))
  return t * t * (3 - 2 * t)
}
