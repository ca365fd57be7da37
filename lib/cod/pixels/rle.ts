import type { PixelDescription } from "./description.ts"
import { integers, type Samples } from "./samples.ts"

/**
 * One frame in RLE (PS3.5, annex G): a segment for each byte of a sample, the most significant one first, of all
 * pixels. Never writes more than the frame has, and reads each byte once.
 *
 * @returns why not, for a frame that does not hold together
 */
export function rleSamples(frame: Uint8Array, description: PixelDescription): Samples | string {
  const { rows, columns, samples, bitsAllocated, signed } = description
  const width = bitsAllocated / 8
  if (!Number.isInteger(width)) return "RLE of bits"
  const segments = segmentsOf(frame)
  if (segments === undefined) return "its RLE header does not hold together"
  if (segments.length !== samples * width) {
    return `${segments.length} RLE segments instead of ${samples * width}`
  }
  const data = integers(bitsAllocated, signed, rows * columns * samples)
  const bytes = new Uint8Array(data.buffer)
  for (const [index, segment] of segments.entries()) {
    const sample = Math.floor(index / width)
    const first = sample * width + (width - 1 - (index % width))
    const written = unpack(segment, bytes, first, samples * width)
    if (!written) return `its RLE segment ${index + 1} ends before the picture does`
  }
  return data
}

const HEADER_BYTES = 64
const MAX_SEGMENTS = 15

function segmentsOf(frame: Uint8Array): Uint8Array[] | undefined {
  if (frame.length < HEADER_BYTES) return undefined
  const header = new DataView(frame.buffer, frame.byteOffset, HEADER_BYTES)
  const count = header.getUint32(0, true)
  if (count < 1 || count > MAX_SEGMENTS) return undefined
  const starts = Array.from({ length: count }, (_, index) => header.getUint32(4 + 4 * index, true))
  const ends = [...starts.slice(1), frame.length]
  const areInOrder = starts.every((start, index) => start >= HEADER_BYTES && start <= ends[index]!)
  if (!areInOrder || starts.at(-1)! > frame.length) return undefined
  return starts.map((start, index) => frame.subarray(start, ends[index]))
}

/** PackBits: to every `step`-th byte from `first` on. @returns whether it filled them all */
function unpack(segment: Uint8Array, bytes: Uint8Array, first: number, step: number): boolean {
  let to = first
  for (let at = 0; at < segment.length && to < bytes.length; ) {
    const control = segment[at++]!
    if (control < 128) {
      for (let left = control + 1; left > 0 && at < segment.length && to < bytes.length; left -= 1) {
        bytes[to] = segment[at++]!
        to += step
      }
    } else if (control > 128) {
      const value = segment[at++] ?? 0
      for (let left = 257 - control; left > 0 && to < bytes.length; left -= 1) {
        bytes[to] = value
        to += step
      }
    }
  }
  return to >= bytes.length
}
