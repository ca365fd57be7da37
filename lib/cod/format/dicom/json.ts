import { InvalidDicom } from "../errors.ts"
import { charsetsOf, DEFAULT_CHARSETS } from "./charset.ts"
import { type DataElement, type DataSet, type DicomFile, tagKey } from "./model.ts"
import { sequenceItems } from "./parse.ts"
import { latin1 } from "./text.ts"
import { firstUid, INSTANCE_UID, SERIES_UID, STUDY_UID } from "./uids.ts"
import { isValueVr, type PersonName, readValues } from "./values.ts"
import { firstNumber, type Scope, vrOf } from "./vr.ts"

/** One element of the DICOM JSON model (PS3.18, annex F). An empty element has its VR alone. */
export interface DicomJsonElement {
  readonly vr: string
  readonly Value?: readonly DicomJsonValue[]
  /** Base64 of the value as stored. */
  readonly InlineBinary?: string
  readonly BulkDataURI?: BulkData
}

/** Where a value is that is too long to stand in JSON, and how it begins. */
export interface BulkData {
  readonly uri: string
  /** The first 512 bytes from the value's place on in the file, or in what was deflated, read as UTF-8. */
  readonly head: string
}

/** A null stands for a number that JSON cannot say: NaN and the infinities. */
export type DicomJsonValue = string | number | bigint | null | PersonName | DicomJson

/**
 * Elements by tag, eight hexadecimal digits in capitals, in the order of the file and group 0002 last. JavaScript
 * itself puts keys first that read as whole numbers ("20100010"), in whatever order they came.
 */
export type DicomJson = Readonly<Record<string, DicomJsonElement>>

export interface DicomJsonOptions {
  /** Of the instance, for values that are too long: "gs://…/SERIES.tar://instances/UID.dcm". */
  readonly uri: string
}

/**
 * All elements of a file as the Python package stores them. An element whose value breaks its VR's rules is left out,
 * and with it the whole sequence that it stands in; the three UIDs are never left out.
 *
 * @throws TooLarge for sequences nested too deep
 */
export function dicomJson(file: DicomFile, { uri }: DicomJsonOptions): DicomJson {
  const data = { file, uri, strict: true, ...scopeOf(file.dataSet, undefined) }
  const meta = { file, uri, strict: false, ...scopeOf(file.meta, undefined) }
  const json: Record<string, DicomJsonElement> = {}
  for (const place of [data, meta]) {
    for (const element of place.dataSet.elements.values()) {
      const converted = elementJson(element, place)
      if (converted !== undefined) json[tagKey(element.tag)] = converted
    }
  }
  for (const tag of [STUDY_UID, SERIES_UID, INSTANCE_UID]) {
    const uid = firstUid(file.dataSet, tag)
    if (uid !== undefined) json[tagKey(tag)] ??= { vr: "UI", Value: [uid] }
  }
  return json
}

/** Where an element stands, and what becomes of it. */
interface Place extends Scope {
  readonly file: DicomFile
  readonly uri: string
  readonly strict: boolean
}

const SPECIFIC_CHARACTER_SET = 0x00080005
const PIXEL_REPRESENTATION = 0x00280103

/** What an item does not say itself is as in the data set around it (PS3.5, section 7.5.3). */
function scopeOf(dataSet: DataSet, around: Scope | undefined): Scope {
  const element = dataSet.elements.get(SPECIFIC_CHARACTER_SET)
  const charsets =
    element === undefined
      ? (around?.charsets ?? DEFAULT_CHARSETS)
      : charsetsOf(latin1(dataSet.content.subarray(element.start, element.end)).split("\\"))
  const pixelRepresentation = firstNumber(dataSet, PIXEL_REPRESENTATION) ?? around?.pixelRepresentation
  return { dataSet, charsets, pixelRepresentation }
}

function elementJson(element: DataElement, place: Place): DicomJsonElement | undefined {
  const vr = vrOf(element, place)
  if (vr === undefined) return undefined
  if (vr === "SQ") return sequenceJson(element, place)
  if (BINARY_VRS.has(vr)) return binaryJson(vr, element, place)
  if (!isValueVr(vr)) return undefined
  const { content, littleEndian } = place.dataSet
  const values = readValues(vr, content.subarray(element.start, element.end), {
    charsets: element.tag === SPECIFIC_CHARACTER_SET ? DEFAULT_CHARSETS : place.charsets,
    littleEndian,
    strict: place.strict,
  })
  if (values === undefined) return undefined
  if (values.length === 0) return { vr }
  return { vr, Value: LUT_DESCRIPTORS.has(element.tag) ? unsignedFirst(values) : values }
}

const AMBIGUOUS_BINARY_VRS = ["OB or OW", "US or OW", "US or SS or OW"]
const BINARY_VRS = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "UN", ...AMBIGUOUS_BINARY_VRS])

const LUT_DESCRIPTORS = new Set([0x00281101, 0x00281102, 0x00281103, 0x00283002])

/** The number of entries in a table is never negative, whatever the VR says (PS3.3, section C.11.1.1.1). */
function unsignedFirst(values: readonly DicomJsonValue[]): readonly DicomJsonValue[] {
  const [first, ...others] = values
  return typeof first === "number" && first < 0 && others.length > 0 ? [first + 0x10000, ...others] : values
}

/** Base64 of 1024 characters: what is longer is not inlined. */
const MAX_INLINE_BYTES = 768
const HEAD_BYTES = 512

function binaryJson(vr: string, { start, end }: DataElement, { uri, dataSet }: Place): DicomJsonElement {
  if (start === end) return { vr }
  if (end - start <= MAX_INLINE_BYTES) {
    return { vr, InlineBinary: base64(dataSet.content.subarray(start, end)) }
  }
  const head = utf8.decode(dataSet.content.subarray(start, start + HEAD_BYTES))
  return { vr, BulkDataURI: { uri, head } }
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true })

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64")
}

function sequenceJson(element: DataElement, place: Place): DicomJsonElement | undefined {
  const items = itemsOf(element, place)?.map((item) => itemJson({ ...place, ...scopeOf(item, place) }))
  return items?.every((item) => item !== undefined) ? { vr: "SQ", Value: items } : undefined
}

function itemsOf(element: DataElement, { dataSet, file }: Place): readonly DataSet[] | undefined {
  try {
    return sequenceItems(dataSet, element, file.limits)
  } catch (error) {
    if (error instanceof InvalidDicom) return undefined
    throw error
  }
}

function itemJson(place: Place): DicomJson | undefined {
  const json: Record<string, DicomJsonElement> = {}
  for (const element of place.dataSet.elements.values()) {
    const converted = elementJson(element, place)
    if (converted === undefined) return undefined
    json[tagKey(element.tag)] = converted
  }
  return json
}
