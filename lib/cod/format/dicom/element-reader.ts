import { ByteStream, bigEndianByteArrayParser, littleEndianByteArrayParser } from "dicom-parser"
import { InvalidDicom, TooLarge } from "../errors.ts"
import { type DicomLimits, tagText } from "./model.ts"

/** Length of an element or item that ends at a delimiter instead (PS3.5, section 7.1.1). */
export const UNDEFINED_LENGTH = 0xffffffff

export interface ElementHeader {
  readonly tag: number
  /** As written; undefined where it is not. */
  readonly vr: string | undefined
  readonly length: number
  /** Where the value begins. */
  readonly start: number
}

/**
 * Reads headers of elements and items. The bytes are read by dicom-parser's streams; its parser of whole files would
 * nest as deep as a file asks for, takes SV, UV and OV for short ones, and is silent where a file is cut off.
 */
export interface ElementReader {
  readonly content: Uint8Array
  readonly littleEndian: boolean
  /** @throws InvalidDicom when it does not end before `end` */
  element(at: number, end: number, implicit: boolean): ElementHeader
  /** @throws InvalidDicom when it does not end before `end` */
  item(at: number, end: number): ElementHeader
  /** Counts an element, item or fragment. @throws TooLarge */
  count(): void
  /** @throws TooLarge */
  checkDepth(depth: number): void
}

export function elementReader(
  content: Uint8Array,
  littleEndian: boolean,
  limits: DicomLimits,
): ElementReader {
  const stream = new ByteStream(
    littleEndian ? littleEndianByteArrayParser : bigEndianByteArrayParser,
    content,
    0,
  )
  let counted = 0

  function readTag(): number {
    return stream.readUint16() * 0x10000 + stream.readUint16()
  }

  function item(at: number, end: number): ElementHeader {
    if (end - at < 8) throw cutOff(at, end)
    stream.position = at
    return { tag: readTag(), vr: undefined, length: stream.readUint32(), start: at + 8 }
  }

  function element(at: number, end: number, implicit: boolean): ElementHeader {
    if (implicit) return item(at, end)
    if (end - at < 8) throw cutOff(at, end)
    stream.position = at
    const tag = readTag()
    const vr = stream.readFixedString(2)
    // Some writers turn to implicit VR in the midst of a data set.
    if (vr < "AA" || vr > "ZZ") return item(at, end)
    if (!LONG_VRS.has(vr)) return { tag, vr, length: stream.readUint16(), start: at + 8 }
    if (end - at < 12) throw cutOff(at, end, tag)
    stream.position = at + 8
    return { tag, vr, length: stream.readUint32(), start: at + 12 }
  }

  function count(): void {
    counted += 1
    if (counted > limits.elements) throw new TooLarge("number of elements", limits.elements)
  }

  function checkDepth(depth: number): void {
    if (depth > limits.depth) throw new TooLarge("nesting of sequences", limits.depth)
  }

  return { content, littleEndian, element, item, count, checkDepth }
}

/** The file, or what contains the element, ends before the element does. */
export function cutOff(offset: number, end: number, tag?: number): InvalidDicom {
  const what = tag === undefined ? "an element" : tagText(tag)
  return new InvalidDicom(`${what} at offset ${offset} does not end before ${end}`, {
    facts: { offset, end, tag: tag === undefined ? undefined : tagText(tag) },
  })
}

// Two reserved bytes and four of length behind the VR (PS3.5, section 7.1.2).
const LONG_VRS = new Set("OB OD OF OL OV OW SQ SV UC UN UR UT UV".split(" "))
