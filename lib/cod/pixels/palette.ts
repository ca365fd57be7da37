import type { DataSet, DicomFile } from "../format/dicom/model.ts"
import { bytesOf, short, shorts } from "./elements.ts"
import type { Samples } from "./samples.ts"

/** A table of colours (PS3.3, section C.7.9). */
export interface Palette {
  /** Of an entry, at most 16. */
  readonly bits: number
  /** RGB, interleaved, of what these pixels stand for. Pixels outside of the table take its first or last entry. */
  colours(pixels: Samples): Uint8Array | Uint16Array
}

/** @returns undefined for a file without one, or with one that does not hold together */
export function paletteOf({ dataSet }: DicomFile): Palette | undefined {
  const tables = [0, 1, 2].map((channel) => tableOf(dataSet, channel))
  const [red, green, blue] = tables
  if (red === undefined || green === undefined || blue === undefined) return undefined
  const bits = Math.max(red.bits, green.bits, blue.bits)
  return {
    bits,
    colours(pixels) {
      const rgb = bits > 8 ? new Uint16Array(3 * pixels.length) : new Uint8Array(3 * pixels.length)
      for (const [channel, { first, entries }] of [red, green, blue].entries()) {
        const last = entries.length - 1
        for (let i = 0; i < pixels.length; i += 1) {
          rgb[3 * i + channel] = entries[Math.max(0, Math.min(last, pixels[i]! - first))]!
        }
      }
      return rgb
    },
  }
}

interface Table {
  readonly first: number
  readonly bits: number
  readonly entries: readonly number[]
}

const DESCRIPTORS = 0x00281101
const ENTRIES = 0x00281201
const SEGMENTED_ENTRIES = 0x00281221

function tableOf(dataSet: DataSet, channel: number): Table | undefined {
  const [size, , announced] = shorts(dataSet, DESCRIPTORS + channel)
  const isSigned = short(dataSet, 0x00280103) === 1
  const first = shorts(dataSet, DESCRIPTORS + channel, isSigned)[1]
  if (size === undefined || first === undefined || announced === undefined) return undefined
  const length = size === 0 ? 0x10000 : size
  const entries = entriesOf(dataSet, channel, length)
  if (entries === undefined) return undefined
  // Entries of eight bits that are announced as sixteen are known.
  const bits = announced === 8 || entries.every((entry) => entry < 256) ? 8 : 16
  return { first, bits, entries: bits === 8 ? entries.map((entry) => entry & 0xff) : entries }
}

function entriesOf(dataSet: DataSet, channel: number, length: number): number[] | undefined {
  const segments = shorts(dataSet, SEGMENTED_ENTRIES + channel)
  if (segments.length > 0) return unrolled(segments, length)
  const words = shorts(dataSet, ENTRIES + channel)
  if (words.length >= length) return words.slice(0, length)
  // Two entries of a byte in each word, the first one in its lower half.
  const bytes = words.flatMap((word) => [word & 0xff, word >> 8])
  const isOdd = (bytesOf(dataSet, ENTRIES + channel)?.length ?? 0) % 2 === 1
  if (isOdd) bytes.push(bytesOf(dataSet, ENTRIES + channel)!.at(-1)!)
  return bytes.length >= length ? bytes.slice(0, length) : undefined
}

/** PS3.3, section C.7.9.2: runs of entries, lines between them, and repeats of earlier segments. */
function unrolled(segments: readonly number[], length: number): number[] | undefined {
  const entries: number[] = []
  const isDone = follow(segments, 0, Number.POSITIVE_INFINITY, entries, length)
  return isDone && entries.length === length ? entries : undefined
}

function follow(
  segments: readonly number[],
  start: number,
  count: number,
  entries: number[],
  length: number,
): boolean {
  let at = start
  for (let done = 0; done < count && at + 1 < segments.length && entries.length < length; done += 1) {
    const kind = segments[at]!
    const size = segments[at + 1]!
    const isRepeated = start > 0 || count !== Number.POSITIVE_INFINITY
    if (kind === 0) {
      entries.push(...segments.slice(at + 2, at + 2 + Math.min(size, length - entries.length)))
      at += 2 + size
    } else if (kind === 1) {
      line(entries, Math.min(size, length - entries.length), size, segments[at + 2] ?? 0)
      at += 3
    } else if (kind === 2 && !isRepeated) {
      // The offset is in bytes.
      const to = ((segments[at + 3] ?? 0) * 0x10000 + (segments[at + 2] ?? 0)) / 2
      if (to >= at || !follow(segments, to, size, entries, length)) return false
      at += 4
    } else return false
  }
  return true
}

/** From the last entry to `to` in `size` steps of which `count` are made. */
function line(entries: number[], count: number, size: number, to: number): void {
  const from = entries.at(-1) ?? 0
  for (let step = 1; step <= count; step += 1) entries.push(Math.round(from + ((to - from) * step) / size))
}
