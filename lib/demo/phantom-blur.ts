import type { Canvas } from "./phantom-canvas.ts"

/**
 * A blurred copy: three box filters, close to a Gaussian of about `radius` cm, at a cost independent of it.
 */
export function blurred(canvas: Canvas, radius: number): Float32Array {
  const { columns, rows } = canvas
  const reach = Math.max(1, Math.round(radius * canvas.pixelsPerCm))
  let pixels = canvas.density
  for (let pass = 0; pass < 3; pass++) {
    pixels = boxFilter(pixels, { length: columns, stride: 1 }, { length: rows, stride: columns }, reach)
    pixels = boxFilter(pixels, { length: rows, stride: columns }, { length: columns, stride: 1 }, reach)
  }
  return pixels
}

interface Axis {
  readonly length: number
  readonly stride: number
}

/** Means of 2 reach + 1 neighbours along one axis; the pixel at the border stands for all beyond it. */
function boxFilter(pixels: Float32Array, along: Axis, across: Axis, reach: number): Float32Array {
  const filtered = new Float32Array(pixels.length)
  const last = along.length - 1
  for (let n = 0; n < across.length; n++) {
    const line = n * across.stride
    let sum = 0
    for (let i = -reach; i <= reach; i++) sum += pixels[line + Math.min(last, Math.max(0, i)) * along.stride]!
    for (let i = 0; i <= last; i++) {
      filtered[line + i * along.stride] = sum / (2 * reach + 1)
      sum += pixels[line + Math.min(last, i + reach + 1) * along.stride]!
      sum -= pixels[line + Math.max(0, i - reach) * along.stride]!
    }
  }
  return filtered
}
