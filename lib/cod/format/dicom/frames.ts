import { InvalidDicom } from "../errors.ts"
import { elementReader } from "./element-reader.ts"
import { type DataSet, DICOM_LIMITS, type DicomFile, type Span } from "./model.ts"
import { PIXEL_DATA } from "./pixel-data.ts"
import { latin1 } from "./text.ts"
import { readValues } from "./values.ts"
import { firstNumber } from "./vr.ts"

/**
 * Where the frames of an instance are. Of encapsulated pixels a span begins with the header of the frame's first
 * item; `frameBytes` makes the frame of it.
 */
export interface Frames {
  readonly encapsulated: boolean
  readonly spans: readonly Span[]
}

/**
 * The frames of a file, by offsets in `file.dataSet.content`: the file itself unless it is deflated. Undefined
 * without (7FE0,0010), and where nobody can know which fragments belong to which frame.
 *
 * Fragments are given to frames by the Extended Offset Table or else the Basic one (PS3.5, section A.4; PS3.3,
 * section C.7.6.3), or, when there are as many, one by one.
 */
export function framesOf(file: DicomFile): Frames | undefined {
  const pixels = file.dataSet.elements.get(PIXEL_DATA)
  const count = numberOfFrames(file.dataSet)
  if (pixels === undefined || count === undefined || pixels.items !== undefined) return undefined
  // Fragments are limited when they are read; native frames of a byte each would make a list longer than the file.
  if (count > file.limits.elements) return undefined
  if (pixels.fragments === undefined) return nativeFrames(pixels, count, shapeOf(file.dataSet))
  const [basic, ...fragments] = pixels.fragments
  const first = fragments[0]
  if (basic === undefined || first === undefined) return undefined
  if (count === 1)
    return { encapsulated: true, spans: [{ start: first.start - ITEM_HEADER, end: pixels.end }] }
  const spans =
    spansByTable(fragments, extendedTable(file.dataSet), count) ??
    spansByTable(fragments, basicTable(file.dataSet, basic), count) ??
    spansOneByOne(fragments, count)
  return spans && { encapsulated: true, spans }
}

/**
 * One frame out of the bytes of its span: native ones as they are, of encapsulated ones the fragments joined. A view
 * of `bytes` unless there are several.
 *
 * @throws InvalidDicom when the bytes are not whole items
 */
export function frameBytes(bytes: Uint8Array, encapsulated: boolean): Uint8Array {
  if (!encapsulated) return bytes
  const fragments = itemsIn(bytes).map(({ start, end }) => bytes.subarray(start, end))
  const [only, ...others] = fragments
  return only !== undefined && others.length === 0 ? only : new Uint8Array(Buffer.concat(fragments))
}

export const ITEM_HEADER = 8
const ITEM = 0xfffee000

function itemsIn(bytes: Uint8Array): Span[] {
  const items: Span[] = []
  if (bytes.length === 0) throw new InvalidDicom("a frame without a fragment")
  const reader = elementReader(bytes, true, DICOM_LIMITS)
  for (let at = 0; at < bytes.length; ) {
    const { tag, start, length } = reader.item(at, bytes.length)
    const end = start + length
    if (tag !== ITEM || end > bytes.length) {
      throw new InvalidDicom("the fragments of a frame are no whole items", { facts: { offset: at } })
    }
    items.push({ start, end })
    at = end
  }
  return items
}

export const NUMBER_OF_FRAMES = 0x00280008

/** 1 where (0028,0008) is absent or empty; undefined where it is not one positive number. */
export function numberOfFrames(dataSet: DataSet): number | undefined {
  const element = dataSet.elements.get(NUMBER_OF_FRAMES)
  if (element === undefined || element.start === element.end) return 1
  const bytes = dataSet.content.subarray(element.start, element.end)
  const values = readValues("IS", bytes, { charsets: ["latin1"], littleEndian: true, strict: true })
  return frameCount(values)
}

function frameCount(values: readonly unknown[] | undefined): number | undefined {
  if (values === undefined || values.length > 1) return undefined
  const [count = 1] = values
  return typeof count === "number" && Number.isSafeInteger(count) && count > 0 ? count : undefined
}

/** What an image's description says of the size of a frame (PS3.3, section C.7.6.3). */
interface FrameShape {
  readonly rows: number | undefined
  readonly columns: number | undefined
  readonly samples: number | undefined
  readonly bitsAllocated: number | undefined
  readonly photometric: string | undefined
}

function shapeOf(dataSet: DataSet): FrameShape {
  const photometric = dataSet.elements.get(0x00280004)
  return {
    samples: firstNumber(dataSet, 0x00280002),
    photometric: photometric && latin1(dataSet.content.subarray(photometric.start, photometric.end)).trim(),
    rows: firstNumber(dataSet, 0x00280010),
    columns: firstNumber(dataSet, 0x00280011),
    bitsAllocated: firstNumber(dataSet, 0x00280100),
  }
}

/** Bytes of one native frame; undefined where the description has gaps or a frame is no whole number of bytes. */
function nativeFrameBytes(shape: FrameShape): number | undefined {
  const { rows, columns, samples, bitsAllocated, photometric } = shape
  if (rows === undefined || columns === undefined || bitsAllocated === undefined) return undefined
  // Two pixels share their colours (PS3.3, section C.7.6.3.1.2).
  const perPixel = photometric?.endsWith("_422") ? 2 : (samples ?? 1)
  const bytes = (rows * columns * perPixel * bitsAllocated) / 8
  return Number.isInteger(bytes) && bytes > 0 ? bytes : undefined
}

/** Frames stand one behind the other (PS3.5, section 8.1.1), and a byte of padding may follow the last one. */
function nativeFrames(value: Span, count: number, shape: FrameShape): Frames | undefined {
  if (count === 1) return { encapsulated: false, spans: [{ start: value.start, end: value.end }] }
  const bytes = nativeFrameBytes(shape)
  if (bytes === undefined) return undefined
  const spare = value.end - value.start - count * bytes
  // A value with room for another frame is not what its description says.
  if (spare < 0 || spare >= bytes) return undefined
  const spans = Array.from({ length: count }, (_, index) => {
    const start = value.start + index * bytes
    return { start, end: start + bytes }
  })
  return { encapsulated: false, spans }
}

/**
 * Fragments by a table of where each frame's first item begins, counted from the first item behind the table.
 * Undefined without a table, and for one that does not fit: offsets of 32 bits begin anew after 4 GiB.
 */
function spansByTable(
  fragments: readonly Span[],
  table: readonly number[] | undefined,
  count: number,
): Span[] | undefined {
  if (table === undefined || table.length !== count || table[0] !== 0) return undefined
  const base = fragments[0]?.start ?? 0
  const byOffset = new Map(fragments.map(({ start }, index) => [start - base, index]))
  const firsts = table.map((offset) => byOffset.get(offset) ?? -1)
  if (firsts.some((first, index) => first <= (firsts[index - 1] ?? -1))) return undefined
  return firsts.map((first, index) => {
    const last = (firsts[index + 1] ?? fragments.length) - 1
    return { start: startOf(fragments[first]), end: fragments[last]?.end ?? 0 }
  })
}

function startOf(fragment: Span | undefined): number {
  return (fragment?.start ?? 0) - ITEM_HEADER
}

function spansOneByOne(fragments: readonly Span[], count: number): Span[] | undefined {
  const filled = fragments.filter(({ start, end }) => end > start)
  if (filled.length !== count) return undefined
  return filled.map(({ start, end }) => ({ start: start - ITEM_HEADER, end }))
}

function basicTable({ content, littleEndian }: DataSet, { start, end }: Span): number[] | undefined {
  if (start === end || (end - start) % 4 !== 0) return undefined
  const view = new DataView(content.buffer, content.byteOffset + start, end - start)
  return Array.from({ length: (end - start) / 4 }, (_, index) => view.getUint32(4 * index, littleEndian))
}

const EXTENDED_OFFSET_TABLE = 0x7fe00001

function extendedTable({ content, elements, littleEndian }: DataSet): number[] | undefined {
  const element = elements.get(EXTENDED_OFFSET_TABLE)
  if (element === undefined || element.start === element.end || (element.end - element.start) % 8 !== 0) {
    return undefined
  }
  const { start, end } = element
  const view = new DataView(content.buffer, content.byteOffset + start, end - start)
  return Array.from({ length: (end - start) / 8 }, (_, index) =>
    Number(view.getBigUint64(8 * index, littleEndian)),
  )
}
