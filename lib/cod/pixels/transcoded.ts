import { publicVr } from "../format/dicom/dictionary.ts"
import type { DataElement, DataSet, DicomFile } from "../format/dicom/model.ts"
import { sequenceItems } from "../format/dicom/parse.ts"
import { PIXEL_DATA } from "../format/dicom/pixel-data.ts"
import { CODError } from "../format/errors.ts"
import { rawFrame } from "./decode.ts"
import { describePixels } from "./description.ts"

const JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"

/**
 * Whether `stored` is `source` with its pixels encoded anew as JPEG 2000 lossless, as the Python package does on ingest:
 * all frames are the same sample by sample, and so is every element that does not tell how pixels are encoded.
 */
export async function isTranscoded(
  stored: DicomFile,
  source: DicomFile,
  signal?: AbortSignal,
): Promise<boolean> {
  const isPossible =
    stored.transferSyntax === JPEG_2000_LOSSLESS && source.transferSyntax !== JPEG_2000_LOSSLESS
  if (!isPossible || !hasSameElements(stored, source)) return false
  try {
    return await hasSameFrames(stored, source, signal)
  } catch (error) {
    // What cannot be decoded cannot be told to be the same.
    if (error instanceof CODError && error.verdict === "give-up") return false
    throw error
  }
}

async function hasSameFrames(stored: DicomFile, source: DicomFile, signal?: AbortSignal): Promise<boolean> {
  const frames = describePixels(stored)?.frames
  if (frames === undefined || frames !== describePixels(source)?.frames) return false
  for (let frame = 0; frame < frames; frame += 1) {
    const one = await rawFrame(stored, frame, {}, signal)
    const other = await rawFrame(source, frame, {}, signal)
    const isSame =
      one.rows === other.rows &&
      one.columns === other.columns &&
      one.samples === other.samples &&
      one.photometric === other.photometric &&
      Buffer.compare(bytesOf(one.data), bytesOf(other.data)) === 0
    if (!isSame) return false
  }
  return true
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

// Group length, transfer syntax, photometric interpretation, planar configuration, offset tables, the pixels.
const OF_THE_ENCODING: ReadonlySet<number> = new Set([
  ...[0x00020000, 0x00020010, 0x00280004, 0x00280006],
  ...[0x7fe00001, 0x7fe00002, PIXEL_DATA],
])

function hasSameElements(stored: DicomFile, source: DicomFile): boolean {
  try {
    const { limits } = source
    const compare = { limits, without: OF_THE_ENCODING }
    return isSameSet(stored.meta, source.meta, compare) && isSameSet(stored.dataSet, source.dataSet, compare)
  } catch (error) {
    if (error instanceof CODError) return false
    throw error
  }
}

interface Comparison {
  readonly limits: DicomFile["limits"]
  readonly without: ReadonlySet<number>
}

function isSameSet(one: DataSet, other: DataSet, comparison: Comparison): boolean {
  if (one.littleEndian !== other.littleEndian) return false
  const tags = comparedTags(one, comparison)
  if (tags.length !== comparedTags(other, comparison).length) return false
  return tags.every((tag) => {
    const theirs = other.elements.get(tag)
    return theirs !== undefined && isSameElement([one, one.elements.get(tag)!], [other, theirs], comparison)
  })
}

/** Lengths of groups depend on how the others are written. */
function comparedTags({ elements }: DataSet, { without }: Comparison): number[] {
  return [...elements.keys()].filter((tag) => !without.has(tag) && (tag & 0xffff) !== 0)
}

type Placed = readonly [DataSet, DataElement]

function isSameElement(one: Placed, other: Placed, comparison: Comparison): boolean {
  if (!isSequence(one[1]) && !isSequence(other[1])) {
    return Buffer.compare(valueIn(one), valueIn(other)) === 0
  }
  const items = sequenceItems(...one, comparison.limits)
  const others = sequenceItems(...other, comparison.limits)
  const nested = { ...comparison, without: NOTHING }
  return (
    items.length === others.length && items.every((item, index) => isSameSet(item, others[index]!, nested))
  )
}

const NOTHING: ReadonlySet<number> = new Set()

function isSequence({ tag, vr, items }: DataElement): boolean {
  return items !== undefined || (vr ?? publicVr(tag)) === "SQ"
}

function valueIn([{ content }, { start, end }]: Placed): Uint8Array {
  return content.subarray(start, end)
}
