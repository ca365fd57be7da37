import { FrameNotFoundError, FramesNotSeparableError } from "../errors.ts"
import { type DicomFile, parseDicom, pixelDataValue } from "../format/dicom/index.ts"
import { offsetTables } from "../format/offset-tables.ts"
import { encapsulated, type FramePlace, plain } from "./frame-place.ts"

/** The frames of a DICOM file that was read as a whole. */
export interface FileFrames {
  readonly count: number
  /** A frame's bytes, from frame 1. @throws FramesNotSeparableError */
  bytes(frame: number): Uint8Array
  /** Where they lie in the file; undefined where they do not lie there as they are, or nobody knows. */
  readonly places: readonly FramePlace[] | undefined
}

const NUMBER_OF_FRAMES = 0x00280008

/** @throws InvalidDicom, FrameNotFoundError for a file without (7FE0,0010) */
export function framesOfFile(bytes: Uint8Array, uri: string): FileFrames {
  const file = parseDicom(bytes)
  const value = pixelDataValue(file)
  if (value === undefined) throw new FrameNotFoundError(uri, 1, 0)
  const count = numberOfFrames(file)
  const places = placesIn(file, count)
  return {
    count,
    places: file.deflated ? undefined : places,
    bytes(frame) {
      const place = places?.[frame - 1]
      const found = place?.unwrap(file.dataSet.content.subarray(place.start, place.end))
      if (found !== undefined) return found
      throw new FramesNotSeparableError(uri, count)
    },
  }
}

/** All frames, or none where nobody can tell them apart. */
function placesIn(file: DicomFile, count: number): readonly FramePlace[] | undefined {
  const { start, end } = pixelDataValue(file)!
  const { fragments } = file.dataSet.elements.get(PIXEL_DATA)!
  if (fragments === undefined) {
    const length = Math.floor((end - start) / count)
    return Array.from({ length: count }, (_, i) => plain(start + i * length, start + (i + 1) * length))
  }
  const [first] = fragments.slice(1)
  if (first === undefined) return undefined
  if (count === 1) return [encapsulated(first.start, end)]
  const { CustomOffsetTable: offsets, CustomOffsetTableLengths: lengths } = offsetTables(file)
  return offsets?.map((offset, i) => encapsulated(offset, offset + lengths![i]!))
}

const PIXEL_DATA = 0x7fe00010

function numberOfFrames({ dataSet }: DicomFile): number {
  const element = dataSet.elements.get(NUMBER_OF_FRAMES)
  if (element === undefined) return 1
  const text = Buffer.from(dataSet.content.subarray(element.start, element.end)).toString("latin1")
  const number = Number(text.replaceAll("\0", " ").trim())
  return Number.isSafeInteger(number) && number > 1 ? number : 1
}
