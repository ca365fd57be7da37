import { UndecodableFrameError } from "../errors.ts"
import type { DicomFile } from "../format/dicom/model.ts"
import type { DecodedFrame } from "./frame.ts"
import { paletteOf } from "./palette.ts"
import type { RawFrame, Samples } from "./samples.ts"

/** The same with colours as RGB. @throws UndecodableFrameError for colours that cannot be told */
export function toMeaning(file: DicomFile, raw: RawFrame, frame: number): DecodedFrame {
  const { photometric, bitsStored } = raw
  const rgb = { ...raw, samples: 3, photometric: "RGB" } as const
  switch (photometric) {
    case "MONOCHROME1":
    case "MONOCHROME2":
    case "RGB":
      return { ...raw, photometric }
    // The codec, where there was one, has undone these.
    case "YBR_RCT":
    case "YBR_ICT":
      return { ...raw, photometric: "RGB" }
    case "YBR_FULL":
      return { ...rgb, data: fromYbr(raw.data, bitsStored) }
    case "YBR_FULL_422":
      return { ...rgb, data: fromYbr(withOwnColours(raw.data), bitsStored) }
    case "PALETTE COLOR": {
      const palette = paletteOf(file)
      if (palette !== undefined) return { ...rgb, bitsStored: palette.bits, data: palette.colours(raw.data) }
    }
  }
  const { transferSyntax } = file
  throw new UndecodableFrameError(`its colours as ${photometric} cannot be told`, { transferSyntax, frame })
}

/** PS3.3, section C.7.6.3.1.2: full range, ITU-R BT.601. */
function fromYbr(ybr: Samples, bits: number): Samples {
  const rgb = ybr.slice() as Samples
  const middle = 2 ** (bits - 1)
  const most = 2 ** bits - 1
  const clamp = (value: number) => Math.max(0, Math.min(most, Math.round(value)))
  for (let i = 0; i + 2 < ybr.length; i += 3) {
    const y = ybr[i]!
    const blue = ybr[i + 1]! - middle
    const red = ybr[i + 2]! - middle
    rgb[i] = clamp(y + 1.402 * red)
    rgb[i + 1] = clamp(y - (0.114 * 1.772 * blue + 0.299 * 1.402 * red) / 0.587)
    rgb[i + 2] = clamp(y + 1.772 * blue)
  }
  return rgb
}

/** Y Y B R of two pixels as Y B R of each (PS3.3, section C.7.6.3.1.2). */
function withOwnColours(shared: Samples): Samples {
  const Kind = shared.constructor as new (length: number) => Samples
  const ybr = new Kind((shared.length / 2) * 3)
  for (let from = 0, to = 0; from + 3 < shared.length; from += 4) {
    for (const luminance of [shared[from]!, shared[from + 1]!]) {
      ybr[to++] = luminance
      ybr[to++] = shared[from + 2]!
      ybr[to++] = shared[from + 3]!
    }
  }
  return ybr
}
