import type { DicomFile, Span } from "./model.ts"

export const PIXEL_DATA = 0x7fe00010

/**
 * Where the value of (7FE0,0010) stands in `file.dataSet.content`: native pixels with their padding, of encapsulated
 * ones all items without the delimiter. Undefined for a file without the element.
 */
export function pixelDataValue(file: DicomFile): Span | undefined {
  const element = file.dataSet.elements.get(PIXEL_DATA)
  return element && { start: element.start, end: element.end }
}

/** The bytes of that value, a view of the file's. */
export function pixeldataOf(file: DicomFile): Uint8Array | undefined {
  const value = pixelDataValue(file)
  return value && file.dataSet.content.subarray(value.start, value.end)
}
