import { type Frames, framesOf, ITEM_HEADER } from "./dicom/frames.ts"
import type { DicomFile } from "./dicom/model.ts"

export { type Frames, frameBytes, framesOf } from "./dicom/frames.ts"

/**
 * Where frames begin in the DICOM file, and how many bytes each takes: of native pixels the frame itself, of
 * encapsulated ones the data of its fragments, with the item headers that stand between them. Both or neither.
 */
export interface OffsetTables {
  readonly CustomOffsetTable?: readonly number[]
  readonly CustomOffsetTableLengths?: readonly number[]
}

/**
 * Tables of a file of several frames. Empty, as its readers demand, for any other file, and where a table would be
 * wrong: frames that nobody can tell apart, or that stand in a deflated data set.
 */
export function offsetTables(file: DicomFile): OffsetTables {
  const frames = file.deflated ? undefined : framesOf(file)
  if (frames === undefined || frames.spans.length < 2) return {}
  const header = headerBytes(frames)
  return {
    CustomOffsetTable: frames.spans.map(({ start }) => start + header),
    CustomOffsetTableLengths: frames.spans.map(({ start, end }) => end - start - header),
  }
}

function headerBytes({ encapsulated }: Pick<Frames, "encapsulated">): number {
  return encapsulated ? ITEM_HEADER : 0
}
