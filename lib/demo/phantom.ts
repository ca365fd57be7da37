import { type Dataset, writePart10 } from "./dicom-writer.ts"
import { type Phantom, phantomAttributes } from "./phantom-attributes.ts"
import { MAX_VALUE, phantomPixels } from "./phantom-image.ts"
import { uidOf, uuidOf } from "./seed-ids.ts"

/** Everything but the seed has a default: a DX PA view of 320 x 256 pixels. */
export type PhantomOptions = Pick<Phantom, "seed"> &
  Partial<Phantom> & {
    /** Size of the file: what the picture leaves of it is filled with Data Set Trailing Padding. */
    readonly byteLength?: number
  }

/**
 * A chest X-ray of nobody: a valid DICOM file (PS3.10) with 12-bit pixels stored in 16 bits, Explicit VR
 * Little Endian. Equal options give equal bytes; UIDs that are not given are made from the seed.
 *
 * @throws RangeError when `byteLength` is odd or the picture does not fit into it.
 */
export function phantomDicom(options: PhantomOptions): Uint8Array {
  const phantom = withDefaults(options)
  const { photometric } = phantom
  const bright = phantomPixels(phantom)
  const PixelData = photometric === "MONOCHROME1" ? bright.map((value) => MAX_VALUE - value) : bright
  return padded({ ...phantomAttributes(phantom), PixelData }, options.byteLength)
}

/** The size of `phantomDicom(options)` without drawing it. */
export function phantomByteLength(options: PhantomOptions): number {
  const phantom = withDefaults(options)
  const withoutPixels = writePart10({ ...phantomAttributes(phantom), PixelData: new Uint16Array(0) })
  return options.byteLength ?? withoutPixels.length + 2 * phantom.rows * phantom.columns
}

function withDefaults(options: PhantomOptions): Phantom {
  const { seed, modality = "DX", view = "PA" } = options
  return {
    seed,
    modality,
    view,
    rows: options.rows ?? 320,
    columns: options.columns ?? 256,
    photometric: options.photometric ?? "MONOCHROME2",
    studyUid: options.studyUid ?? uidOf(uuidOf(`phantom ${seed}`)),
    seriesUid: options.seriesUid ?? uidOf(uuidOf(`phantom ${seed} ${modality} ${view}`)),
    instanceUid: options.instanceUid ?? uidOf(uuidOf(`phantom ${JSON.stringify(options)}`)),
    seriesNumber: options.seriesNumber ?? 1,
    instanceNumber: options.instanceNumber ?? 1,
    studyDescription: options.studyDescription ?? "CHEST PHANTOM",
    studyDate: options.studyDate ?? "20240229",
  }
}

/** Data Set Trailing Padding (PS3.10 section 7.2) costs a header of 12 bytes. */
function padded(dataset: Dataset, byteLength: number | undefined): Uint8Array {
  const file = writePart10(dataset)
  if (byteLength === undefined || byteLength === file.length) return file
  const padding = byteLength - file.length - 12
  if (padding < 0 || padding % 2 !== 0) {
    throw new RangeError(`a phantom of ${file.length} bytes cannot be padded to ${byteLength}`)
  }
  return writePart10({ ...dataset, DataSetTrailingPadding: new Uint8Array(padding) })
}
