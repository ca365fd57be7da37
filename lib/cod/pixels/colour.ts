import { InvalidDicom } from "../errors.ts"
import type { DicomFile } from "../format/dicom/model.ts"
import type { DecodedFrame } from "./frame.ts"
import type { RawFrame } from "./samples.ts"

/** The same with colours as RGB. @throws InvalidDicom for colours that cannot be told */
export function toMeaning(_file: DicomFile, raw: RawFrame): DecodedFrame {
  const { photometric } = raw
  if (photometric === "MONOCHROME1" || photometric === "MONOCHROME2" || photometric === "RGB") {
    return { ...raw, photometric }
  }
  throw new InvalidDicom(`colours as ${photometric}`)
}
