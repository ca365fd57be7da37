import type { DataSet } from "../format/dicom/model.ts"
import { bytesOf, shorts } from "./elements.ts"

/** Values for indices from `first` on (PS3.3, sections C.7.6.3.1.5 and C.11.1.1.1). */
export interface LookUpTable {
  readonly first: number
  /** Of an entry, as announced. */
  readonly bits: number
  readonly entries: readonly number[]
}

/** Where a table's parts are, and whether its first index may be negative. */
export interface TableTags {
  readonly descriptor: number
  readonly data: number
  readonly segmented?: number
  readonly isSigned: boolean
}

/** @returns undefined where there is none, or one that does not hold together */
export function readLookUpTable(dataSet: DataSet, tags: TableTags): LookUpTable | undefined {
  const [size, , bits] = shorts(dataSet, tags.descriptor)
  const first = shorts(dataSet, tags.descriptor, tags.isSigned)[1]
  if (size === undefined || first === undefined || bits === undefined || bits < 1 || bits > 16) {
    return undefined
  }
  const length = size === 0 ? MOST_ENTRIES : size
  const segments = tags.segmented === undefined ? [] : shorts(dataSet, tags.segmented)
  const entries = segments.length > 0 ? unrolled(segments, length) : storedEntries(dataSet, tags.data, length)
  return entries && { first, bits, entries }
}

/** The entry of an index; those outside of the table take its first or last one. */
export function lookUp({ first, entries }: LookUpTable, index: number): number {
  return entries[Math.max(0, Math.min(entries.length - 1, Math.round(index) - first))] ?? 0
}

const MOST_ENTRIES = 0x10000

function storedEntries(dataSet: DataSet, tag: number, length: number): number[] | undefined {
  const words = shorts(dataSet, tag)
  if (words.length >= length) return words.slice(0, length)
  // Two entries of a byte in each word, the first one in its lower half.
  const bytes = words.flatMap((word) => [word & 0xff, word >> 8])
  const value = bytesOf(dataSet, tag)
  if (value !== undefined && value.length % 2 === 1) bytes.push(value.at(-1)!)
  return bytes.length >= length ? bytes.slice(0, length) : undefined
}

const DISCRETE = 0
const LINEAR = 1
const INDIRECT = 2

/** PS3.3, section C.7.9.2: runs of entries, lines between them, and repeats of earlier segments. */
function unrolled(segments: readonly number[], length: number): number[] | undefined {
  const entries: number[] = []
  let at = 0
  while (at + 1 < segments.length && entries.length < length) {
    if (segments[at] === INDIRECT) {
      // In bytes, least significant word first.
      const offset = (segments[at + 2] ?? 0) + (segments[at + 3] ?? 0) * 0x10000
      const end = repeat(segments, offset / 2, segments[at + 1]!, entries)
      if (end === undefined || end > at) return undefined
      at += 4
    } else {
      const end = unroll(segments, at, entries)
      if (end === undefined) return undefined
      at = end
    }
  }
  return entries.length >= length ? entries.slice(0, length) : undefined
}

/** @returns where the segments that are repeated end */
function repeat(
  segments: readonly number[],
  start: number,
  count: number,
  entries: number[],
): number | undefined {
  let at: number | undefined = start
  for (let done = 0; done < count && at !== undefined && entries.length < MOST_ENTRIES; done += 1) {
    at = unroll(segments, at, entries)
  }
  return at
}

/** Appends what one segment stands for. @returns where it ends */
function unroll(segments: readonly number[], at: number, entries: number[]): number | undefined {
  const size = segments[at + 1]
  if (size === undefined) return undefined
  if (segments[at] === DISCRETE) {
    for (const entry of segments.slice(at + 2, at + 2 + size)) entries.push(entry)
    return at + 2 + size
  }
  if (segments[at] !== LINEAR || entries.length === 0) return undefined
  const from = entries.at(-1)!
  const to = segments[at + 2] ?? 0
  for (let step = 1; step <= size; step += 1) entries.push(Math.round(from + ((to - from) * step) / size))
  return at + 3
}
