import { InvalidDicom, TooLarge } from "../errors.ts"
import { numberOfFrames } from "../format/dicom/frames.ts"
import type { DataElement, DataSet, DicomFile } from "../format/dicom/model.ts"
import { PIXEL_DATA } from "../format/dicom/pixel-data.ts"
import { short, texts } from "./elements.ts"
import { PIXEL_LIMITS, type PixelLimits } from "./limits.ts"

/** What a file says of its pixels (PS3.3, section C.7.6.3). */
export interface PixelDescription {
  readonly transferSyntax: string
  readonly rows: number
  readonly columns: number
  readonly frames: number
  readonly samples: 1 | 3
  readonly bitsAllocated: number
  readonly bitsStored: number
  readonly highBit: number
  readonly signed: boolean
  /** Samples of a colour are not side by side, but in three planes. */
  readonly planar: boolean
  /** Of the samples as they are stored: "YBR_FULL_422" for instance. */
  readonly photometric: string
  readonly kind: "integer" | "float" | "double"
  /** The element that holds the pixels. */
  readonly element: DataElement
}

/**
 * @returns undefined for a file without pixels
 * @throws InvalidDicom when the description has gaps or contradicts itself, TooLarge beyond the limits
 */
export function describePixels(
  file: DicomFile,
  limits: Partial<PixelLimits> = {},
): PixelDescription | undefined {
  const { dataSet } = file
  const pixels = pixelsOf(dataSet)
  if (pixels === undefined) return undefined
  const frames = numberOfFrames(dataSet)
  if (frames === undefined) throw invalid("(0028,0008) is no number of frames")
  const description = {
    transferSyntax: file.transferSyntax,
    rows: positive(dataSet, 0x00280010, "rows (0028,0010)"),
    columns: positive(dataSet, 0x00280011, "columns (0028,0011)"),
    frames,
    ...samplesOf(dataSet),
    ...bitsOf(dataSet, pixels.kind),
    ...pixels,
  }
  requireBounded(description, { ...PIXEL_LIMITS, ...limits })
  return description
}

/** Bits that a pixel takes where it is not compressed. Of YBR_FULL_422 two pixels share their colours. */
export function bitsPerPixel({ photometric, samples, bitsAllocated }: PixelDescription): number {
  return (photometric === "YBR_FULL_422" ? 2 : samples) * bitsAllocated
}

/** Bytes of a frame once it is unpacked; palettes make three samples of up to 16 bits out of one. */
function decodedBytes({ rows, columns, samples, bitsAllocated, photometric }: PixelDescription): number {
  const perPixel = photometric === "PALETTE COLOR" ? 6 : samples * Math.max(1, bitsAllocated / 8)
  return rows * columns * perPixel
}

function requireBounded(description: PixelDescription, limits: PixelLimits): void {
  const { rows, columns, frames } = description
  if (Math.max(rows, columns) > limits.dimension) throw new TooLarge("rows or columns", limits.dimension)
  if (frames > limits.frames) throw new TooLarge("the number of frames", limits.frames)
  if (decodedBytes(description) > limits.frameBytes) throw new TooLarge("one frame", limits.frameBytes)
}

const FLOAT_PIXEL_DATA = 0x7fe00008
const DOUBLE_FLOAT_PIXEL_DATA = 0x7fe00009

function pixelsOf({ elements }: DataSet): Pick<PixelDescription, "element" | "kind"> | undefined {
  for (const [tag, kind] of KINDS) {
    const element = elements.get(tag)
    if (element !== undefined && element.items === undefined && element.end > element.start) {
      return { element, kind }
    }
  }
  return undefined
}

const KINDS = [
  [PIXEL_DATA, "integer"],
  [FLOAT_PIXEL_DATA, "float"],
  [DOUBLE_FLOAT_PIXEL_DATA, "double"],
] as const

function samplesOf(dataSet: DataSet) {
  const samples = short(dataSet, 0x00280002) ?? 1
  const photometric = texts(dataSet, 0x00280004)[0] || (samples === 1 ? "MONOCHROME2" : "RGB")
  if (samples !== 1 && samples !== 3) throw invalid(`${samples} samples a pixel`)
  if ((samples === 1) !== ONE_SAMPLE.has(photometric)) {
    throw invalid(`${samples} samples a pixel in ${JSON.stringify(photometric.slice(0, 16))}`)
  }
  return { samples, photometric, planar: short(dataSet, 0x00280006) === 1 } as const
}

const ONE_SAMPLE: ReadonlySet<string> = new Set(["MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"])

function bitsOf(dataSet: DataSet, kind: PixelDescription["kind"]) {
  if (kind !== "integer") {
    const bits = kind === "float" ? 32 : 64
    return { bitsAllocated: bits, bitsStored: bits, highBit: bits - 1, signed: true }
  }
  const bitsAllocated = positive(dataSet, 0x00280100, "bits allocated (0028,0100)")
  const bitsStored = short(dataSet, 0x00280101) ?? bitsAllocated
  const highBit = short(dataSet, 0x00280102) ?? bitsStored - 1
  if (![1, 8, 16, 32].includes(bitsAllocated)) throw invalid(`${bitsAllocated} bits allocated`)
  if (bitsStored < 1 || bitsStored > bitsAllocated) throw invalid(`${bitsStored} bits stored`)
  if (highBit < bitsStored - 1 || highBit >= bitsAllocated) throw invalid(`the high bit ${highBit}`)
  return { bitsAllocated, bitsStored, highBit, signed: short(dataSet, 0x00280103) === 1 }
}

function positive(dataSet: DataSet, tag: number, what: string): number {
  const value = short(dataSet, tag)
  if (value === undefined || value === 0) throw invalid(`no ${what}`)
  return value
}

function invalid(what: string): InvalidDicom {
  return new InvalidDicom(`the description of the pixels does not hold together: ${what}`)
}
