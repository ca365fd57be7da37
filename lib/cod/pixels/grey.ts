import type { DicomFile } from "../format/dicom/model.ts"
import { decimals, short, texts } from "./elements.ts"
import { frameAttributes, itemsOf } from "./frame-attributes.ts"
import { type LookUpTable, lookUp, readLookUpTable } from "./look-up-table.ts"

/** Centre and width as (0028,1050) and (0028,1051) mean them, after rescaling. */
export interface Window {
  readonly center: number
  readonly width: number
}

/** What stored greys mean (PS3.3, section C.11). */
export interface GreyScale {
  /**
   * A stored value through modality table or rescaling and, where there is one, through table or window of values of
   * interest: then between 0 and 1, else in the modality's unit.
   */
  map(stored: number): number
  /** It has gone through a table or window of values of interest. */
  readonly hasWindow: boolean
  /** Small values are bright. */
  readonly isInverted: boolean
}

/**
 * @param window instead of the file's own
 * @throws InvalidDicom, TooLarge for sequences that do not hold together
 */
export function greyScaleOf(file: DicomFile, frame: number, window?: Window): GreyScale {
  const modality = modalityOf(file, frame)
  const interest = window ? windowing(window, windowFunctionOf(file, frame)) : interestOf(file, frame)
  return {
    map: interest === undefined ? modality : (stored) => interest(modality(stored)),
    hasWindow: interest !== undefined,
    isInverted:
      texts(file.dataSet, 0x00280004)[0] === "MONOCHROME1" ||
      texts(file.dataSet, PRESENTATION_SHAPE)[0] === "INVERSE",
  }
}

type Mapping = (value: number) => number

const PRESENTATION_SHAPE = 0x20500020
const MODALITY_LUT = 0x00283000
const VALUE_TRANSFORMATION = 0x00289145
const VOI_LUT = 0x00283010
const FRAME_VOI_LUT = 0x00289132
const LUT = { descriptor: 0x00283002, data: 0x00283006 }

function modalityOf(file: DicomFile, frame: number): Mapping {
  const [item] = itemsOf(file, file.dataSet, MODALITY_LUT)
  const table = item && readLookUpTable(item, { ...LUT, isSigned: isSigned(file) })
  if (table !== undefined) return (value) => lookUp(table, value)
  for (const attributes of frameAttributes(file, frame, VALUE_TRANSFORMATION)) {
    const [slope] = decimals(attributes, 0x00281053)
    const [intercept = 0] = decimals(attributes, 0x00281052)
    if (slope !== undefined && slope !== 0) return (value) => value * slope + intercept
  }
  return (value) => value
}

function interestOf(file: DicomFile, frame: number): Mapping | undefined {
  const [item] = itemsOf(file, file.dataSet, VOI_LUT)
  // What it is looked up by may be negative once it is rescaled.
  const mayBeNegative = isSigned(file) || modalityOf(file, frame)(0) < 0
  const table = item && readLookUpTable(item, { ...LUT, isSigned: mayBeNegative })
  if (table !== undefined) return tableOfInterest(table)
  for (const attributes of frameAttributes(file, frame, FRAME_VOI_LUT)) {
    const [center] = decimals(attributes, 0x00281050)
    const [width] = decimals(attributes, 0x00281051)
    if (center !== undefined && width !== undefined && width > 0) {
      return windowing({ center, width }, windowFunctionOf(file, frame))
    }
  }
  return undefined
}

function tableOfInterest(table: LookUpTable): Mapping {
  const most = 2 ** table.bits - 1
  return (value) => Math.min(1, lookUp(table, value) / most)
}

function windowFunctionOf(file: DicomFile, frame: number): string {
  const [told = "LINEAR"] = frameAttributes(file, frame, FRAME_VOI_LUT).flatMap((attributes) =>
    texts(attributes, 0x00281056).slice(0, 1),
  )
  return told
}

/** PS3.3, section C.11.2.1.2 and C.11.2.1.3. */
function windowing({ center, width }: Window, name: string): Mapping {
  if (name === "SIGMOID") return (value) => 1 / (1 + Math.exp((-4 * (value - center)) / width))
  if (name === "LINEAR_EXACT") return (value) => clamp((value - center) / width + 0.5)
  const middle = center - 0.5
  if (width <= 1) return (value) => (value > middle ? 1 : 0)
  const span = width - 1
  return (value) => clamp((value - middle) / span + 0.5)
}

function clamp(value: number): number {
  // Math.min takes three times as long.
  if (value <= 0) return 0
  if (value >= 1) return 1
  return value
}

function isSigned({ dataSet }: DicomFile): boolean {
  return short(dataSet, 0x00280103) === 1
}
