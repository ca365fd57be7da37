import type { DicomFile } from "../format/dicom/model.ts"
import { type DecodeOptions, decodeFrame } from "./decode.ts"
import type { DecodedFrame, RenderedFrame } from "./frame.ts"
import { type GreyScale, greyScaleOf, type Window } from "./grey.ts"
import type { Samples } from "./samples.ts"

export interface RenderOptions extends DecodeOptions {
  /** Instead of the file's own. */
  readonly window?: Window
}

/**
 * One frame as a person should see it: colours as they are; greys through the file's look-up tables, rescaling and
 * window, of several the first. Without a window from the frame's smallest value to its largest. A frame of which all
 * pixels are alike is black.
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
  const decoded = await decodeFrame(file, frame, options, signal)
  const { rows, columns, samples } = decoded
  if (samples === 3) return { rows, columns, samples, data: eightBits(decoded) }
  const scale = greyScaleOf(file, frame, options.window)
  return { rows, columns, samples, data: greys(decoded.data, scale) }
}

function eightBits({ data, bitsStored }: DecodedFrame): Uint8Array {
  if (data instanceof Uint8Array && bitsStored === 8) return data
  const most = 2 ** bitsStored - 1
  return Uint8Array.from(data, (value) => Math.max(0, Math.min(255, Math.round((value * 255) / most))))
}

function greys(data: Samples, scale: GreyScale): Uint8Array {
  const stored = extentOf(data, (value) => value)
  if (!(stored.max > stored.min)) return new Uint8Array(data.length)
  const shown = mapping(data, scale)
  const isWhole = !(data instanceof Float32Array || data instanceof Float64Array)
  if (!isWhole || stored.max - stored.min >= TABLE_ENTRIES) return Uint8Array.from(data, shown)
  const table = Uint8Array.from({ length: stored.max - stored.min + 1 }, (_, i) => shown(stored.min + i))
  const pixels = new Uint8Array(data.length)
  for (let i = 0; i < data.length; i += 1) pixels[i] = table[data[i]! - stored.min]!
  return pixels
}

// What a table of all values costs less than.
const TABLE_ENTRIES = 1 << 16

/** From a stored value to 0 to 255. What is no number is black. */
function mapping(data: Samples, scale: GreyScale): (stored: number) => number {
  const { min, max } = scale.hasWindow ? { min: 0, max: 1 } : extentOf(data, scale.map)
  if (!(max > min)) return () => 0
  const [black, span] = scale.isInverted ? [max, min - max] : [min, max - min]
  return (stored) => {
    const shown = Math.round(((scale.map(stored) - black) * 255) / span)
    return shown > 0 ? Math.min(255, shown) : 0
  }
}

function extentOf(data: Samples, map: (value: number) => number): { min: number; max: number } {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let i = 0; i < data.length; i += 1) {
    const value = map(data[i]!)
    if (!Number.isFinite(value)) continue
    if (value < min) min = value
    if (value > max) max = value
  }
  return { min, max }
}
