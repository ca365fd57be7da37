import { InvalidDicom, TooLarge, UndecodableFrameError, UnsupportedTransferSyntaxError } from "../errors.ts"
import type { DicomFile } from "../format/dicom/model.ts"
import { toMeaning } from "./colour.ts"
import { compressedFrame } from "./compressed.ts"
import { describePixels, type PixelDescription } from "./description.ts"
import type { DecodedFrame } from "./frame.ts"
import { encapsulatedFrame } from "./frame-bytes.ts"
import { PIXEL_LIMITS, type PixelLimits } from "./limits.ts"
import { nativeFrame, storedSamples } from "./native.ts"
import { rleSamples } from "./rle.ts"
import type { RawFrame } from "./samples.ts"

export interface DecodeOptions {
  readonly limits?: Partial<PixelLimits>
  /**
   * Pixels on its long side that are enough (all): a frame that is stored at several resolutions, in JPEG 2000, may be
   * handed out at a lower one that has as many. The time goes with the pixels.
   */
  readonly enough?: number | undefined
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
  return toMeaning(file, await rawFrame(file, frame, options, signal), frame)
}

/**
 * The same as it is stored, before palettes and colours are looked up: what other decoders hand out.
 * @throws as `decodeFrame`
 */
export async function rawFrame(
  file: DicomFile,
  frame: number,
  options: DecodeOptions = {},
  signal?: AbortSignal,
): Promise<RawFrame> {
  const limits = { ...PIXEL_LIMITS, ...options.limits }
  const description = describePixels(file, limits)
  if (description === undefined) throw new InvalidDicom("the file has no pixels")
  const { transferSyntax, frames } = description
  if (!Number.isInteger(frame) || frame < 0 || frame >= frames) {
    throw new UndecodableFrameError(`there are ${frames}`, { transferSyntax, frame })
  }
  signal?.throwIfAborted()
  const asked = { frame, limits, enough: options.enough ?? Number.POSITIVE_INFINITY }
  const raw = await decodeRaw(file, description, asked, signal)
  if (typeof raw !== "string") return raw
  throw new UndecodableFrameError(raw, { transferSyntax, frame })
}

interface Asked {
  readonly frame: number
  readonly limits: PixelLimits
  readonly enough: number
}

/** @returns why not, for a frame that cannot be decoded */
async function decodeRaw(
  file: DicomFile,
  description: PixelDescription,
  { frame, limits, enough }: Asked,
  signal?: AbortSignal,
): Promise<RawFrame | string> {
  const family = familyOf(description)
  const { element } = description
  const { content, littleEndian } = file.dataSet
  if (family === "native" && element.fragments === undefined) {
    const value = content.subarray(element.start, element.end)
    return nativeFrame(value, description, frame, littleEndian) ?? "the pixels end before it does"
  }
  if (element.fragments === undefined) return "its pixels are not encapsulated"
  const stream = encapsulatedFrame(file, description, frame)
  if (stream.length > limits.frameBytes) throw new TooLarge("one compressed frame", limits.frameBytes)
  if (family === "jpeg") return await compressedFrame(stream, description, { limits, enough }, signal)
  if (family === "rle") return rleFrame(stream, description)
  return nativeFrame(stream, description, 0, littleEndian) ?? "its fragments end before it does"
}

function rleFrame(stream: Uint8Array, description: PixelDescription): RawFrame | string {
  const data = rleSamples(stream, description)
  if (typeof data === "string") return data
  const { rows, columns, samples, bitsStored } = description
  // Segments are of whole samples: no pixels share their colours.
  const photometric = description.photometric === "YBR_FULL_422" ? "YBR_FULL" : description.photometric
  return { rows, columns, samples, bitsStored, photometric, data: storedSamples(data, description) }
}

function familyOf({ transferSyntax }: PixelDescription): "native" | "rle" | "jpeg" {
  const [family] = Object.entries(FAMILIES).find(([, syntaxes]) => syntaxes.includes(transferSyntax)) ?? []
  if (family === undefined) throw new UnsupportedTransferSyntaxError(transferSyntax)
  return family as keyof typeof FAMILIES
}

// The root that all transfer syntaxes of DICOM have (PS3.6, annex A), and what follows it.
const ROOT = "1.2.840.10008.1.2"
const FAMILIES = {
  native: ["", ".1", ".1.98", ".1.99", ".2"].map((end) => ROOT + end),
  rle: [`${ROOT}.5`],
  jpeg: [".50", ".51", ".57", ".70", ".80", ".81", ".90", ".91", ".201", ".202", ".203"].map(
    (end) => `${ROOT}.4${end}`,
  ),
}
