import { endianness } from "node:os"
import { bitsPerPixel, type PixelDescription } from "./description.ts"
import { interleaved, type RawFrame, type Samples } from "./samples.ts"

/**
 * One frame of pixels that are not compressed (PS3.5, section 8): samples side by side, of the machine's byte order,
 * without what may stand in bits that are not stored. They are not copied if they stand like that in the value.
 *
 * @param value of the element that holds all frames
 * @returns undefined when the value ends before the frame does
 */
export function nativeFrame(
  value: Uint8Array,
  description: PixelDescription,
  frame: number,
  littleEndian: boolean,
): RawFrame | undefined {
  const { rows, columns, samples, photometric, bitsStored } = description
  const bits = rows * columns * bitsPerPixel(description)
  const end = Math.ceil((bits * (frame + 1)) / 8)
  // Before it is looked at: shorter values may be anything.
  if (end > value.length) return undefined
  const shape = { rows, columns, samples, photometric, bitsStored }
  if (description.bitsAllocated === 1) return { ...shape, data: unpackBits(value, bits * frame, bits) }
  const bytes = value.subarray((bits * frame) / 8, end)
  return { ...shape, data: storedSamples(samplesIn(bytes, description, littleEndian), description) }
}

/** The same without what stands in bits that are not stored, and with its sign: `data` itself, if it is like that. */
export function storedSamples(stored: Samples, description: PixelDescription): Samples {
  const { bitsAllocated, bitsStored, highBit, kind } = description
  if (kind !== "integer" || bitsStored === bitsAllocated) return stored
  if (highBit === bitsStored - 1 && areWithin(stored, description)) return stored
  const data = stored.slice() as Samples
  const up = bitsAllocated - 1 - highBit
  const down = bitsAllocated - bitsStored
  for (let i = 0; i < data.length; i += 1) data[i] = data[i]! << up
  // Typed arrays cut and extend at their own width, which is what a shift of 32 bits does not do.
  if (data instanceof Uint32Array) for (let i = 0; i < data.length; i += 1) data[i] = data[i]! >>> down
  else for (let i = 0; i < data.length; i += 1) data[i] = data[i]! >> down
  return data
}

/** Whether no sample has anything in bits that are not stored but its sign. */
function areWithin(data: Samples, { bitsStored, signed }: PixelDescription): boolean {
  if (data instanceof Uint16Array) return usedBits(data) >>> bitsStored === 0
  let used = 0
  // Of a signed one, all that are not stored are like the sign.
  if (signed) for (let i = 0; i < data.length; i += 1) used |= data[i]! ^ (data[i]! >> 31)
  else for (let i = 0; i < data.length; i += 1) used |= data[i]!
  return used >>> (signed ? bitsStored - 1 : bitsStored) === 0
}

/** Most pictures are of these, and large: two at a time. */
function usedBits(data: Uint16Array): number {
  const odd = (data.byteOffset % 4) / 2
  const pairs = new Uint32Array(data.buffer, data.byteOffset + 2 * odd, (data.length - odd) >> 1)
  let used = data[0]! | data.at(-1)!
  for (let i = 0; i < pairs.length; i += 1) used |= pairs[i]!
  return (used | (used >>> 16)) & 0xffff
}

/** A bit a pixel, the least significant bit of a byte first; frames follow each other without padding. */
function unpackBits(value: Uint8Array, start: number, length: number): Uint8Array {
  const pixels = new Uint8Array(length)
  for (let i = 0; i < length; i += 1) {
    const at = start + i
    pixels[i] = (value[Math.floor(at / 8)]! >>> (at % 8)) & 1
  }
  return pixels
}

function samplesIn(bytes: Uint8Array, description: PixelDescription, littleEndian: boolean): Samples {
  const width = description.bitsAllocated / 8
  const isForeign = littleEndian !== (endianness() === "LE")
  // Views of wider samples need a place in their buffer that they divide.
  const isInPlace = !isForeign && bytes.byteOffset % width === 0
  const aligned = isInPlace ? bytes : new Uint8Array(bytes)
  if (isForeign) swapBytes(aligned, width)
  const data = asSamples(aligned, description)
  return description.planar && description.samples === 3 ? interleaved(data) : data
}

function swapBytes(bytes: Uint8Array, width: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (width === 2) buffer.swap16()
  if (width === 4) buffer.swap32()
  if (width === 8) buffer.swap64()
}

function asSamples({ buffer, byteOffset, length }: Uint8Array, description: PixelDescription): Samples {
  const { kind, bitsAllocated, signed } = description
  if (kind === "float") return new Float32Array(buffer, byteOffset, length / 4)
  if (kind === "double") return new Float64Array(buffer, byteOffset, length / 8)
  const place = [buffer, byteOffset, (8 * length) / bitsAllocated] as const
  if (bitsAllocated === 8) return signed ? new Int8Array(...place) : new Uint8Array(...place)
  if (bitsAllocated === 16) return signed ? new Int16Array(...place) : new Uint16Array(...place)
  return signed ? new Int32Array(...place) : new Uint32Array(...place)
}
