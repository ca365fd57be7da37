/** Files with pixels, for tests. */
import { type DicomFile, parseDicom } from "../../../lib/cod/format/dicom/index.ts"
import { dicomFile, EXPLICIT, encapsulated, explicit, uint16 } from "../format/dicom/build.ts"

export interface PixelFile {
  readonly rows: number
  readonly columns: number
  readonly frames?: number
  readonly samples?: 1 | 3
  readonly allocated?: number
  readonly stored?: number
  readonly highBit?: number
  readonly signed?: boolean
  readonly planar?: boolean
  readonly photometric?: string
  readonly transferSyntax?: string
  /** Native pixels. */
  readonly pixels?: Uint8Array
  /** Instead of these. */
  readonly fragments?: readonly Uint8Array[]
  readonly table?: readonly number[]
  /** Other elements, in front of the pixels. */
  readonly others?: readonly Uint8Array[]
}

export function pixelFile(description: PixelFile): DicomFile {
  return parseDicom(pixelFileBytes(description))
}

export function pixelFileBytes(description: PixelFile): Buffer {
  const { allocated = 8, samples = 1, transferSyntax = EXPLICIT, fragments, table = [] } = description
  const { stored = allocated, highBit = stored - 1, photometric = "MONOCHROME2" } = description
  const pixels = fragments
    ? encapsulated(table, fragments)
    : explicit(0x7fe00010, "OW", description.pixels ?? new Uint8Array())
  const elements = [
    explicit(0x00280002, "US", uint16(samples)),
    explicit(0x00280004, "CS", photometric.padEnd(photometric.length + (photometric.length % 2))),
    explicit(0x00280006, "US", uint16(description.planar ? 1 : 0)),
    text(0x00280008, "IS", String(description.frames ?? 1)),
    explicit(0x00280010, "US", uint16(description.rows)),
    explicit(0x00280011, "US", uint16(description.columns)),
    explicit(0x00280100, "US", uint16(allocated)),
    explicit(0x00280101, "US", uint16(stored)),
    explicit(0x00280102, "US", uint16(highBit)),
    explicit(0x00280103, "US", uint16(description.signed ? 1 : 0)),
    ...(description.others ?? []),
    pixels,
  ]
  return dicomFile(elements, transferSyntax)
}

export function text(tag: number, vr: string, value: string): Buffer {
  return explicit(tag, vr, value.padEnd(value.length + (value.length % 2)))
}

export function words(...values: number[]): Uint8Array {
  return new Uint8Array(Uint16Array.from(values).buffer)
}

export const SYNTAXES = {
  implicit: "1.2.840.10008.1.2",
  bigEndian: "1.2.840.10008.1.2.2",
  encapsulatedNative: "1.2.840.10008.1.2.1.98",
  deflated: "1.2.840.10008.1.2.1.99",
  rle: "1.2.840.10008.1.2.5",
  jpeg: "1.2.840.10008.1.2.4.50",
  jpegExtended: "1.2.840.10008.1.2.4.51",
  jpegLossless: "1.2.840.10008.1.2.4.57",
  jpegLosslessSv1: "1.2.840.10008.1.2.4.70",
  jpegLs: "1.2.840.10008.1.2.4.80",
  jpegLsNear: "1.2.840.10008.1.2.4.81",
  jpeg2000Lossless: "1.2.840.10008.1.2.4.90",
  jpeg2000: "1.2.840.10008.1.2.4.91",
  htj2kLossless: "1.2.840.10008.1.2.4.201",
  mpeg4: "1.2.840.10008.1.2.4.102",
} as const
