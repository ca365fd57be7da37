import type { DicomFile } from "../format/dicom/model.ts"
import { type DecodeOptions, decodeFrame } from "./decode.ts"
import type { RenderedFrame } from "./frame.ts"

/** Centre and width as (0028,1050) and (0028,1051) mean them. */
export interface Window {
  readonly center: number
  readonly width: number
}

export interface RenderOptions extends DecodeOptions {
  /** Instead of the file's own. */
  readonly window?: Window
}

/**
 * One frame as a person should see it.
 *
 * @param frame from 0
 * @throws as `decodeFrame`
 */
export async function renderFrame(
  file: DicomFile,
  frame: number,
  options: RenderOptions = {},
  signal?: AbortSignal,
): Promise<RenderedFrame> {
  const { rows, columns, samples, data, photometric } = await decodeFrame(file, frame, options, signal)
  const grey = new Uint8Array(data.length)
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (const value of data) {
    if (value < min) min = value
    if (value > max) max = value
  }
  const flip = photometric === "MONOCHROME1" ? 255 : 0
  const scale = max > min ? 255 / (max - min) : 0
  for (let i = 0; i < data.length; i += 1) grey[i] = flip ^ Math.round((data[i]! - min) * scale)
  return { rows, columns, samples, data: grey }
}
