import type { DataElement, DataSet } from "../format/dicom/model.ts"
import { latin1, trimPadding } from "../format/dicom/text.ts"

/** Bytes of an element's value, undefined for one that is absent or empty. */
export function bytesOf({ content, elements }: DataSet, tag: number): Uint8Array | undefined {
  const element = elements.get(tag)
  if (element === undefined || element.start === element.end || !isPlain(element)) return undefined
  return content.subarray(element.start, element.end)
}

function isPlain({ items, fragments }: DataElement): boolean {
  return items === undefined && fragments === undefined
}

/** Integers of 16 bits (US, SS, OW), none for an element that is absent. */
export function shorts(dataSet: DataSet, tag: number, signed = false): number[] {
  const value = bytesOf(dataSet, tag) ?? new Uint8Array()
  const view = new DataView(value.buffer, value.byteOffset, value.length)
  const { littleEndian } = dataSet
  return Array.from({ length: value.length >>> 1 }, (_, index) =>
    signed ? view.getInt16(2 * index, littleEndian) : view.getUint16(2 * index, littleEndian),
  )
}

/** First of the integers of 16 bits (US). */
export function short(dataSet: DataSet, tag: number): number | undefined {
  const value = bytesOf(dataSet, tag)
  if (value === undefined || value.length < 2) return undefined
  return new DataView(value.buffer, value.byteOffset, 2).getUint16(0, dataSet.littleEndian)
}

/** Numbers written as text (DS, IS); what is none is left out. */
export function decimals(dataSet: DataSet, tag: number): number[] {
  return texts(dataSet, tag)
    .map((text) => (text === "" ? Number.NaN : Number(text)))
    .filter(Number.isFinite)
}

/** Values of an element of codes (CS), without padding. */
export function texts(dataSet: DataSet, tag: number): string[] {
  const value = bytesOf(dataSet, tag)
  if (value === undefined || value.length > MAX_TEXT_BYTES) return []
  return latin1(value)
    .split("\\")
    .map((text) => trimPadding(text).trim())
}

// What describes pixels is short; a hostile file's text is not worth splitting.
const MAX_TEXT_BYTES = 1 << 16
