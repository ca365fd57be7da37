import { CODError, type InstanceRecord, type StoredTags } from "../../cod/index.ts"
import { safe } from "../../support/text.ts"
import { nameOfUid } from "./uid-names.ts"

/** An attribute of an image that tells nothing of a person. */
export interface HarmlessTag {
  /** As the standard writes it: `(0018,0060)`. */
  readonly tag: string
  /** PS3.6, chapter 6. */
  readonly name: string
  readonly value: string
  /** What a UID is called, where it is one (PS3.6, annex A). */
  readonly meaning: string | undefined
}

/**
 * What values may be: codes of the standard, numbers, UIDs that the standard itself has given out, or a word of the
 * equipment's maker. Whatever does not look like that is not shown: somebody may have written anything anywhere.
 */
type Kind = "code" | "number" | "uid" | "maker"

/**
 * All that is shown of a header. Names, ids, dates, places, free text and private elements are not among them, and nobody
 * need know which of those there are: what is not here is not shown.
 */
const SHOWN: readonly (readonly [tag: string, name: string, kind: Kind])[] = [
  ["00080060", "Modality", "code"],
  ["00080016", "SOP Class UID", "uid"],
  ["00020010", "Transfer Syntax UID", "uid"],
  ["00080008", "Image Type", "code"],
  ["00080068", "Presentation Intent Type", "code"],
  ["00200013", "Instance Number", "number"],
  ["00280008", "Number of Frames", "number"],
  ["00180015", "Body Part Examined", "code"],
  ["00185101", "View Position", "code"],
  ["00200062", "Image Laterality", "code"],
  ["00200060", "Laterality", "code"],
  ["00200020", "Patient Orientation", "code"],
  ["00185100", "Patient Position", "code"],
  ["00080070", "Manufacturer", "maker"],
  ["00081090", "Manufacturer's Model Name", "maker"],
  ["00187004", "Detector Type", "code"],
  ["00180060", "KVP", "number"],
  ["00181150", "Exposure Time", "number"],
  ["00181151", "X-Ray Tube Current", "number"],
  ["00181152", "Exposure", "number"],
  ["00181153", "Exposure in µAs", "number"],
  ["00181405", "Relative X-Ray Exposure", "number"],
  ["00181411", "Exposure Index", "number"],
  ["00181412", "Target Exposure Index", "number"],
  ["00181413", "Deviation Index", "number"],
  ["0018115E", "Image and Fluoroscopy Area Dose Product", "number"],
  ["00181110", "Distance Source to Detector", "number"],
  ["00181111", "Distance Source to Patient", "number"],
  ["00181190", "Focal Spot(s)", "number"],
  ["00181160", "Filter Type", "code"],
  ["00181166", "Grid", "code"],
  ["00181164", "Imager Pixel Spacing", "number"],
  ["00280030", "Pixel Spacing", "number"],
  ["00280010", "Rows", "number"],
  ["00280011", "Columns", "number"],
  ["00280002", "Samples per Pixel", "number"],
  ["00280004", "Photometric Interpretation", "code"],
  ["00280100", "Bits Allocated", "number"],
  ["00280101", "Bits Stored", "number"],
  ["00280102", "High Bit", "number"],
  ["00280103", "Pixel Representation", "number"],
  ["00281040", "Pixel Intensity Relationship", "code"],
  ["00281041", "Pixel Intensity Relationship Sign", "number"],
  ["00281050", "Window Center", "number"],
  ["00281051", "Window Width", "number"],
  ["00281056", "VOI LUT Function", "code"],
  ["00281052", "Rescale Intercept", "number"],
  ["00281053", "Rescale Slope", "number"],
  ["00281054", "Rescale Type", "code"],
  ["20500020", "Presentation LUT Shape", "code"],
  ["00282110", "Lossy Image Compression", "code"],
  ["00282112", "Lossy Image Compression Ratio", "number"],
  ["00282114", "Lossy Image Compression Method", "code"],
  ["00280301", "Burned In Annotation", "code"],
  ["00280302", "Recognizable Visual Features", "code"],
  ["00120062", "Patient Identity Removed", "code"],
]

/** Those that an image has, in the order of the list. */
export function harmlessTags(record: InstanceRecord): readonly HarmlessTag[] {
  const tags = tagsOf(record)
  return SHOWN.flatMap(([key, name, kind]) => {
    const value = shownValue(tags, key, kind)
    const tag = `(${key.slice(0, 4)},${key.slice(4)})`
    const meaning = kind === "uid" && value !== undefined ? nameOfUid(value) : undefined
    return value === undefined ? [] : [{ tag, name, value, meaning }]
  })
}

/** What views say of an image in a line. Absent where the header does not say, or says something else than it may. */
export interface ImageFacts {
  readonly number: string | undefined
  readonly modality: string | undefined
  readonly bodyPart: string | undefined
  readonly view: string | undefined
  readonly rows: number | undefined
  readonly columns: number | undefined
  readonly transferSyntax: string | undefined
  readonly frames: number
  /** By its header there is text within the picture, of which nobody knows what it says. */
  readonly hasBurnedInText: boolean
}

export function imageFacts(record: InstanceRecord): ImageFacts {
  const tags = tagsOf(record)
  const of = (key: string, kind: Kind) => shownValue(tags, key, kind)
  const number = (key: string) => {
    const value = Number(of(key, "number") ?? Number.NaN)
    return Number.isFinite(value) ? value : undefined
  }
  const transferSyntax = of("00020010", "uid")
  return {
    number: of("00200013", "number"),
    modality: of("00080060", "code"),
    bodyPart: of("00180015", "code"),
    view: of("00185101", "code"),
    rows: number("00280010"),
    columns: number("00280011"),
    transferSyntax: transferSyntax && (nameOfUid(transferSyntax) ?? transferSyntax),
    frames: record.hasPixeldata ? Math.max(1, Math.trunc(number("00280008") ?? 1)) : 0,
    hasBurnedInText: of("00280301", "code")?.toUpperCase() === "YES",
  }
}

function tagsOf(record: InstanceRecord): StoredTags {
  try {
    return record.tags()
  } catch (error) {
    // The image can be read although its DICOM JSON cannot.
    if (error instanceof CODError) return {}
    throw error
  }
}

/** More values than an attribute of the list has. */
const MOST_VALUES = 8

function shownValue(tags: StoredTags, key: string, kind: Kind): string | undefined {
  const values = Object.hasOwn(tags, key) ? tags[key]?.Value : undefined
  if (!Array.isArray(values) || values.length === 0) return undefined
  const texts = values.slice(0, MOST_VALUES).map((value: unknown) => textOf(value, kind))
  const text = texts.map((one) => one ?? "").join(" \\ ")
  return texts.some((one) => one !== undefined) ? text : undefined
}

function textOf(value: unknown, kind: Kind): string | undefined {
  if (typeof value === "number" || typeof value === "bigint")
    return kind === "number" ? String(value) : undefined
  if (typeof value !== "string") return undefined
  const text = value.trim()
  return LOOKS_LIKE[kind].test(text) ? safe(text) : undefined
}

/** Codes have 16 characters (PS3.5, section 6.2, CS), numbers 16, names of makers 64 (LO). */
const LOOKS_LIKE: Readonly<Record<Kind, RegExp>> = {
  code: /^[A-Za-z0-9_ ./-]{1,16}$/,
  number: /^[+-]?\d{0,16}(?:\.\d{0,16})?(?:[eE][+-]?\d{1,3})?$/,
  uid: /^1\.2\.840\.10008\.[\d.]{1,48}$/,
  maker: /^[\p{L}\p{N} ._,;:/()&+®™-]{1,64}$/u,
}
