/** A value, or part of one: bytes `start` up to `end` (exclusive) of the content that its data set belongs to. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** A data element as it stands in the file (PS3.5, section 7.1); its value is read when somebody asks for it. */
export interface DataElement extends Span {
  /** Group and element, 0x7FE00010 for instance. */
  readonly tag: number
  /** As written; undefined in implicit VR. */
  readonly vr: string | undefined
  /** Written with the length FFFFFFFF; `end` is where its delimiter begins. */
  readonly undefinedLength: boolean
  /** Items of a sequence of undefined length; those of other sequences are read by `sequenceItems`. */
  readonly items?: readonly DataSet[]
  /** Items of an encapsulated value (PS3.5, section A.4), the Basic Offset Table first. */
  readonly fragments?: readonly Span[]
}

/** A data set: that of the file, its file meta information, or an item of a sequence. */
export interface DataSet {
  /** What spans and offsets of its elements count in. */
  readonly content: Uint8Array
  readonly implicit: boolean
  readonly littleEndian: boolean
  /** Sequences around it. */
  readonly depth: number
  /** By tag, in the order of the file; of an element that occurs twice the last one at the place of the first. */
  readonly elements: ReadonlyMap<number, DataElement>
}

export interface DicomFile {
  /** The file as it was given. */
  readonly bytes: Uint8Array
  /** The data set was deflated: offsets in it are none in `bytes`. */
  readonly deflated: boolean
  readonly transferSyntax: string
  /** Group 0002. */
  readonly meta: DataSet
  readonly dataSet: DataSet
  readonly limits: DicomLimits
}

/** What a file may ask of us before it counts as hostile. */
export interface DicomLimits {
  /** Sequences within sequences. */
  readonly depth: number
  /** Elements, items and fragments in one file. */
  readonly elements: number
  /** Bytes of a deflated data set once it is inflated. */
  readonly inflatedBytes: number
}

export const DICOM_LIMITS: DicomLimits = { depth: 64, elements: 4_000_000, inflatedBytes: 1 << 30 }

/** "(7FE0,0010)", as DICOM writes tags. */
export function tagText(tag: number): string {
  const key = tagKey(tag)
  return `(${key.slice(0, 4)},${key.slice(4)})`
}

/** "7FE00010", as DICOM JSON writes tags. */
export function tagKey(tag: number): string {
  return `${HEX[tag >>> 24]}${HEX[(tag >>> 16) & 0xff]}${HEX[(tag >>> 8) & 0xff]}${HEX[tag & 0xff]}`
}

/** Bytes by two digits each. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).toUpperCase().padStart(2, "0"))
