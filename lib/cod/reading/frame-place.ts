import { type Frames, frameBytes, ITEM_HEADER, type Span } from "../format/dicom/index.ts"
import { InvalidDicom } from "../format/errors.ts"
import type { InstanceRecord, StoredTags } from "../format/metadata/types.ts"

/** Where a frame lies in its DICOM file: bytes from `start` up to `end`, exclusive; of a frame in items with their headers. */
export interface FramePlace extends Span {
  readonly encapsulated: boolean
}

/** What is known of an instance's frames. */
export interface FrameTable {
  readonly frames: number
  /** Undefined where only the file itself can tell. */
  place(frame: number): FramePlace | undefined
}

/** What metadata alone tells of them. */
export interface ToldFrames extends FrameTable {
  /** How much too large its offsets certainly are. */
  readonly shift: 8 | undefined
}

/** Transfer syntaxes whose pixels stand in the file as they are (PS3.5, sections A.1 to A.3). */
const NATIVE = new Set(["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])

/** Its frames have no place in the file: the data set is deflated (PS3.5, section A.5). */
const DEFLATED = "1.2.840.10008.1.2.1.99"

/**
 * @param tables `exact` where it is known that the offsets of native frames are right
 * @throws InvalidMetadata when its DICOM JSON cannot be read
 */
export function frameTable(record: InstanceRecord, tables?: "exact"): ToldFrames {
  const tags = record.tags()
  const frames = Math.max(1, integer(tags, "00280008") ?? 1)
  const { CustomOffsetTable: offsets = [], CustomOffsetTableLengths: lengths = [] } = record.offsetTables
  const syntax = tags["00020010"]?.Value?.[0]
  const isUsable = offsets.length === frames && lengths.length === frames && record.hasPixeldata
  if (!isUsable || syntax === DEFLATED || typeof syntax !== "string") {
    return { frames, shift: undefined, place: () => undefined }
  }
  const isNative = NATIVE.has(syntax)
  const shift = isNative ? nativeShift(record, tags) : undefined
  return {
    frames,
    shift,
    place(frame) {
      if (isNative && shift === undefined && tables !== "exact") return undefined
      const value = offsets[frame - 1]! - (shift ?? 0)
      const end = value + lengths[frame - 1]!
      const start = isNative ? value : value - ITEM_HEADER
      return 0 <= start && end <= record.size ? { start, end, encapsulated: !isNative } : undefined
    },
  }
}

/** The same of a file that was read. */
export function frameTableOf({ encapsulated, spans }: Frames): FrameTable {
  return {
    frames: spans.length,
    place: (frame) => ({ ...spans[frame - 1]!, encapsulated }),
  }
}

/** The frame in the bytes of its place; undefined when they are not what stands there in a sound file. */
export function frameIn(bytes: Uint8Array, { start, end, encapsulated }: FramePlace): Uint8Array | undefined {
  if (bytes.length !== end - start) return undefined
  try {
    return frameBytes(bytes, encapsulated)
  } catch (error) {
    if (error instanceof InvalidDicom) return undefined
    throw error
  }
}

/**
 * What has to be taken from the offsets of native frames. The Python package writes them 8 too large; that is certain
 * where the last frame would else lie behind the file's end by just so much. Where the offsets fit into the file they may
 * be right, or be followed by something of 8 bytes: then nobody can say without the file.
 */
function nativeShift(record: InstanceRecord, tags: StoredTags): 8 | undefined {
  const { CustomOffsetTable: offsets = [], CustomOffsetTableLengths: lengths = [] } = record.offsetTables
  const [first] = offsets
  const length = frameLength(tags)
  if (first === undefined || length === undefined || lengths.some((one) => one !== length)) return undefined
  if (offsets.some((offset, i) => offset !== first + i * length)) return undefined
  const pixels = length * lengths.length
  return first + pixels + (pixels % 2) === record.size + 8 ? 8 : undefined
}

/** Bytes of one native frame (PS3.3, section C.7.6.3); undefined when it is no whole number of them. */
function frameLength(tags: StoredTags): number | undefined {
  const [rows, columns, samples, bits] = ["00280010", "00280011", "00280002", "00280100"].map((tag) =>
    integer(tags, tag),
  )
  const length = ((rows ?? 0) * (columns ?? 0) * (samples ?? 1) * (bits ?? 0)) / 8
  return Number.isInteger(length) && length > 0 ? length : undefined
}

function integer(tags: StoredTags, tag: string): number | undefined {
  const value = tags[tag]?.Value?.[0]
  const number = typeof value === "string" ? Number(value) : value
  return typeof number === "number" && Number.isSafeInteger(number) ? number : undefined
}
