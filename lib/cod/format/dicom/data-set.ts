import { InvalidDicom } from "../errors.ts"
import { publicVr } from "./dictionary.ts"
import { cutOff, type ElementHeader, type ElementReader, UNDEFINED_LENGTH } from "./element-reader.ts"
import { type DataElement, type DataSet, type Span, tagText } from "./model.ts"

const ITEM = 0xfffee000
const ITEM_DELIMITER = 0xfffee00d
const SEQUENCE_DELIMITER = 0xfffee0dd

/** What part of the content a data set takes, and how it is written. */
export interface Extent extends Span {
  readonly implicit: boolean
  readonly depth: number
  /** An item of undefined length: its delimiter must come. */
  readonly delimited?: boolean
  /** Where this says so of a tag the data set ends before it. */
  readonly endsBefore?: (tag: number) => boolean
}

/**
 * Reads a data set without looking at values: of sequences only those of undefined length, whose end nobody could
 * find otherwise. Fewer than 8 bytes behind the last element are ignored.
 *
 * @returns the data set, and the offset behind its last element
 * @throws InvalidDicom when it is cut off or does not hold together, TooLarge when it is hostile
 */
export function readDataSet(reader: ElementReader, extent: Extent): { dataSet: DataSet; end: number } {
  reader.checkDepth(extent.depth)
  const elements = new Map<number, DataElement>()
  const { content, littleEndian } = reader
  const dataSet = { content, littleEndian, implicit: extent.implicit, depth: extent.depth, elements }
  let at = extent.start
  while (extent.end - at >= 8) {
    const header = reader.element(at, extent.end, extent.implicit)
    if (header.tag === ITEM_DELIMITER) return { dataSet, end: header.start }
    if (extent.endsBefore?.(header.tag)) return { dataSet, end: at }
    const { element, end } = readValue(reader, header, extent)
    elements.set(header.tag, element)
    at = end
  }
  if (extent.delimited) throw cutOff(at, extent.end, ITEM_DELIMITER)
  return { dataSet, end: at }
}

/**
 * Items of a sequence of defined length, an empty one included.
 *
 * @throws InvalidDicom when they do not fill it exactly, TooLarge when they are hostile
 */
export function readItems(reader: ElementReader, sequence: Span, written: Written): DataSet[] {
  const items: DataSet[] = []
  for (let at = sequence.start; at < sequence.end; ) {
    const header = reader.item(at, sequence.end)
    if (header.tag === SEQUENCE_DELIMITER) break
    const { dataSet, end } = readItem(reader, header, sequence.end, written)
    items.push(dataSet)
    at = end
  }
  return items
}

/** How a sequence is written: its items may be in implicit VR where it is not. */
export interface Written {
  readonly implicit: boolean
  /** Of the items. */
  readonly depth: number
}

function readValue(
  reader: ElementReader,
  header: ElementHeader,
  extent: Extent,
): { element: DataElement; end: number } {
  const { tag, vr, length, start } = header
  reader.count()
  if (length === UNDEFINED_LENGTH) return readUndefinedLength(reader, header, extent)
  const end = start + length
  if (end > extent.end) throw cutOff(start, extent.end, tag)
  return { element: { tag, vr, start, end, undefinedLength: false }, end }
}

function readUndefinedLength(reader: ElementReader, header: ElementHeader, extent: Extent) {
  const { tag, vr, start } = header
  if (isSequence(reader, header, extent)) {
    const written = { implicit: extent.implicit, depth: extent.depth + 1 }
    const { items, end, next } = readDelimitedItems(reader, start, extent.end, written)
    return { element: { tag, vr, start, end, undefinedLength: true, items }, end: next }
  }
  const { fragments, end } = readFragments(reader, header, extent.end)
  return { element: { tag, vr, start, end, undefinedLength: true, fragments }, end: end + 8 }
}

// UN of undefined length is a sequence by definition (PS3.5, section 6.2.2); what is unknown shows by its first item.
function isSequence(reader: ElementReader, { tag, vr, start }: ElementHeader, extent: Extent): boolean {
  if (vr !== undefined) return vr === "SQ" || vr === "UN"
  const known = publicVr(tag)
  return known === undefined ? reader.item(start, extent.end).tag === ITEM : known === "SQ"
}

function readDelimitedItems(reader: ElementReader, start: number, limit: number, written: Written) {
  const items: DataSet[] = []
  for (let at = start; ; ) {
    const header = reader.item(at, limit)
    if (header.tag === SEQUENCE_DELIMITER) return { items, end: at, next: header.start }
    const { dataSet, end } = readItem(reader, header, limit, written)
    items.push(dataSet)
    at = end
  }
}

function readItem(reader: ElementReader, header: ElementHeader, limit: number, written: Written) {
  if (header.tag !== ITEM) throw unexpected(header, "an item")
  reader.count()
  const delimited = header.length === UNDEFINED_LENGTH
  const end = delimited ? limit : header.start + header.length
  if (end > limit) throw cutOff(header.start, limit, header.tag)
  const implicit = written.implicit || looksImplicit(reader.content, header.start)
  const item = readDataSet(reader, { start: header.start, end, implicit, depth: written.depth, delimited })
  return delimited ? item : { ...item, end }
}

/**
 * Whether no VR stands where the first element of a data set would have one; undefined lengths in UN, and some
 * writers, hide implicit VR in explicit data sets.
 */
export function looksImplicit(content: Uint8Array, start: number): boolean {
  return !isCapital(content[start + 4]) || !isCapital(content[start + 5])
}

function isCapital(byte: number | undefined): boolean {
  return byte !== undefined && byte > 0x40 && byte < 0x5b
}

/** An encapsulated value: items of defined length up to the delimiter (PS3.5, section A.4). */
function readFragments(reader: ElementReader, header: ElementHeader, limit: number) {
  const fragments: Span[] = []
  for (let at = header.start; ; ) {
    const item = reader.item(at, limit)
    if (item.tag === SEQUENCE_DELIMITER) return { fragments, end: at }
    if (item.tag !== ITEM) throw unexpected(item, tagText(header.tag))
    reader.count()
    at = item.start + item.length
    if (at > limit) throw cutOff(item.start, limit, header.tag)
    fragments.push({ start: item.start, end: at })
  }
}

function unexpected({ tag, start }: ElementHeader, instead: string): InvalidDicom {
  const offset = start - 8
  return new InvalidDicom(`${tagText(tag)} at offset ${offset} where ${instead} should go on`, {
    facts: { offset, tag: tagText(tag) },
  })
}
