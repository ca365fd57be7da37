import type { DicomFile } from "./model.ts"

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
  /** The first 512 bytes from the value's place in the file on, read as UTF-8. */
  readonly head: string
}

/** A null stands for a number that JSON cannot say: NaN and the infinities. */
export type DicomJsonValue = string | number | bigint | null | PersonName | DicomJson

export interface PersonName {
  readonly Alphabetic: string
  readonly Ideographic?: string
  readonly Phonetic?: string
}

/** Elements by tag, eight hexadecimal digits in capitals, in the order of the file and group 0002 last. */
export type DicomJson = Readonly<Record<string, DicomJsonElement>>

export function dicomJson(_file: DicomFile, _options: { readonly uri: string }): DicomJson {
  return {}
}
