import { FrameNotFoundError, FramesNotSeparableError } from "../errors.ts"
import { type Frames, frameBytes, framesOf, parseDicom, pixelDataValue } from "../format/dicom/index.ts"

/** The frames of a DICOM file that was read as a whole. */
export interface FileFrames {
  /** Where they lie in the file; undefined for a deflated data set, whose frames do not lie there. */
  readonly places: Frames | undefined
  /** A frame's bytes, from frame 1. @throws FrameNotFoundError, InvalidDicom */
  bytes(frame: number): Uint8Array
}

/** @throws InvalidDicom, FramesNotSeparableError, FrameNotFoundError for a file without (7FE0,0010) */
export function framesOfFile(bytes: Uint8Array, uri: string): FileFrames {
  const file = parseDicom(bytes)
  if (pixelDataValue(file) === undefined) throw new FrameNotFoundError(uri, 1, 0)
  const frames = framesOf(file)
  if (frames === undefined) throw new FramesNotSeparableError(uri)
  return {
    places: file.deflated ? undefined : frames,
    bytes(frame) {
      requireFrame(uri, frame, frames.spans.length)
      const { start, end } = frames.spans[frame - 1]!
      return frameBytes(file.dataSet.content.subarray(start, end), frames.encapsulated)
    },
  }
}

/** @throws FrameNotFoundError */
export function requireFrame(uri: string, frame: number, frames: number): void {
  if (Number.isInteger(frame) && frame >= 1 && frame <= frames) return
  throw new FrameNotFoundError(uri, frame, frames)
}
