import type { InstanceRecord, StoredTags } from "../format/metadata/types.ts"

/** Bytes from `start` up to `end`, exclusive, of a DICOM file. */
export interface Stretch {
  readonly start: number
  readonly end: number
}

/** Where a frame lies in its DICOM file. */
export interface FramePlace extends Stretch {
  /** What of these bytes is the frame. @returns undefined when they are not what stands there in a sound file */
  unwrap(bytes: Uint8Array): Uint8Array | undefined
}

/** What metadata alone tells of an instance's frames. */
export interface FrameTable {
  readonly frames: number
  /** How much too large its offsets certainly are. */
  readonly shift: 8 | undefined
  /** Undefined where only the file itself can tell. */
  place(frame: number): FramePlace | undefined
}

/** Transfer syntaxes whose pixels stand in the file as they are (PS3.5, sections A.1 to A.3). */
const NATIVE = new Set(["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])

/** Its frames have no place in the file: the data set is deflated (PS3.5, section A.5). */
const DEFLATED = "1.2.840.10008.1.2.1.99"

/**
 * @param tables `exact` where it is known that the offsets of native frames are right
 * @throws InvalidMetadata when its DICOM JSON cannot be read
 */
export function frameTable(record: InstanceRecord, tables?: "exact"): FrameTable {
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
      const start = offsets[frame - 1]! - (shift ?? 0)
      const end = start + lengths[frame - 1]!
      const place = isNative ? plain(start, end) : encapsulated(start, end)
      return 0 <= place.start && place.end <= record.size ? place : undefined
    },
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

/** A frame whose bytes are nothing but the frame. */
export function plain(start: number, end: number): FramePlace {
  return { start, end, unwrap: (bytes) => bytes }
}

const ITEM_HEADER_BYTES = 8

/**
 * A frame in items, of which the first one's value begins at `start`, and the last one's ends at `end`. Its place has the
 * header of the first item, too, which proves that it begins here, and tells whether others follow.
 */
export function encapsulated(start: number, end: number): FramePlace {
  return { start: start - ITEM_HEADER_BYTES, end, unwrap: joinItems }
}

/** The values of items that follow each other (PS3.5, section A.4), joined. */
function joinItems(bytes: Uint8Array): Uint8Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const values: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    if (at + ITEM_HEADER_BYTES > bytes.length || view.getUint32(at, true) !== ITEM_TAG) return undefined
    const start = at + ITEM_HEADER_BYTES
    const end = start + view.getUint32(at + 4, true)
    if (end > bytes.length) return undefined
    values.push(bytes.subarray(start, end))
    at = end
  }
  return values.length === 1 ? values[0] : Buffer.concat(values)
}

/** (FFFE,E000), little-endian as all encapsulated syntaxes are. */
const ITEM_TAG = 0xe000fffe

function integer(tags: StoredTags, tag: string): number | undefined {
  const value = tags[tag]?.Value?.[0]
  const number = typeof value === "string" ? Number(value) : value
  return typeof number === "number" && Number.isSafeInteger(number) ? number : undefined
}
