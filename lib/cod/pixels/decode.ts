import { InvalidDicom, UndecodableFrameError, UnsupportedTransferSyntaxError } from "../errors.ts"
import type { DicomFile } from "../format/dicom/model.ts"
import { toMeaning } from "./colour.ts"
import { describePixels, type PixelDescription } from "./description.ts"
import type { DecodedFrame } from "./frame.ts"
import type { PixelLimits } from "./limits.ts"
import { nativeFrame } from "./native.ts"
import type { RawFrame } from "./samples.ts"

export interface DecodeOptions {
  readonly limits?: Partial<PixelLimits>
}

/**
 * One frame of a file.
 *
 * @param frame from 0
 * @throws UndecodableFrameError for this frame, TooLarge beyond the limits, UnsupportedTransferSyntaxError; InvalidDicom
 * for a file whose description does not hold together, or without pixels
 */
export async function decodeFrame(
  file: DicomFile,
  frame: number,
  options: DecodeOptions = {},
  signal?: AbortSignal,
): Promise<DecodedFrame> {
  const description = describePixels(file, options.limits)
  if (description === undefined) throw new InvalidDicom("the file has no pixels")
  const { transferSyntax, frames } = description
  if (!Number.isInteger(frame) || frame < 0 || frame >= frames) {
    throw new UndecodableFrameError(`there are ${frames}`, { transferSyntax, frame })
  }
  signal?.throwIfAborted()
  return toMeaning(file, await rawFrame(file, description, frame))
}

async function rawFrame(file: DicomFile, description: PixelDescription, frame: number): Promise<RawFrame> {
  const { transferSyntax, element } = description
  if (element.fragments !== undefined) throw new UnsupportedTransferSyntaxError(transferSyntax)
  const { content, littleEndian } = file.dataSet
  const value = content.subarray(element.start, element.end)
  const raw = nativeFrame(value, description, frame, littleEndian)
  if (raw !== undefined) return raw
  throw new UndecodableFrameError("the pixels end before it does", { transferSyntax, frame })
}
