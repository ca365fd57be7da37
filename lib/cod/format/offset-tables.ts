import type { DicomFile } from "./dicom/model.ts"

/**
 * Where frames begin in the DICOM file, and how many bytes each takes: of native pixels the frame itself, of
 * encapsulated ones the data of its fragments, with the item headers that stand between them. Both or neither.
 */
export type OffsetTables =
  | { readonly CustomOffsetTable?: undefined; readonly CustomOffsetTableLengths?: undefined }
  | { readonly CustomOffsetTable: readonly number[]; readonly CustomOffsetTableLengths: readonly number[] }

export function offsetTables(_file: DicomFile): OffsetTables {
  return {}
}
