import { type Charsets, decodeText } from "./charset.ts"
import { tagKey } from "./model.ts"
import { latin1, trimPadding } from "./text.ts"

/** JSON values of one element: none for an empty one; undefined when its value breaks its VR's rules. */
export type Values = readonly (string | number | bigint | null | PersonName)[] | undefined

/** Component groups of a name (PS3.18, section F.2.2); a group that is not there has no key. */
export interface PersonName {
  readonly Alphabetic: string
  readonly Ideographic?: string
  readonly Phonetic?: string
}

/** What a value is read with. */
export interface ValueContext {
  readonly charsets: Charsets
  readonly littleEndian: boolean
  /** False for file meta information: UIDs are taken as they are. */
  readonly strict: boolean
}

type Reader = (bytes: Uint8Array, context: ValueContext) => Values

/**
 * Values of one element by its VR (PS3.5, section 6.2), without padding. Dates, times, codes and titles are taken as
 * they are; what is too long or no number, and bytes that its character set does not have, is refused.
 */
export function readValues(vr: string, bytes: Uint8Array, context: ValueContext): Values {
  if (bytes.length === 0) return []
  return READERS.get(vr)?.(bytes, context)
}

export function isValueVr(vr: string): boolean {
  return READERS.has(vr)
}

const READERS: ReadonlyMap<string, Reader> = new Map(
  Object.entries<Reader>({
    AE: (bytes) => notEmpty(latin1(bytes).split("\\").map(trimBlank)),
    AS: codes,
    AT: tags,
    CS: codes,
    DA: codes,
    DS: decimals,
    DT: codes,
    FD: numbers(8, (view, at, little) => finite(view.getFloat64(at, little))),
    FL: numbers(4, (view, at, little) => finite(view.getFloat32(at, little))),
    IS: integers,
    LO: texts(64),
    LT: oneText(10_240),
    PN: names,
    SH: texts(16),
    SL: numbers(4, (view, at, little) => view.getInt32(at, little)),
    SS: numbers(2, (view, at, little) => view.getInt16(at, little)),
    ST: oneText(1024),
    SV: numbers(8, (view, at, little) => exact(view.getBigInt64(at, little))),
    TM: codes,
    UC: texts(Number.POSITIVE_INFINITY),
    UI: uids,
    UL: numbers(4, (view, at, little) => view.getUint32(at, little)),
    UR: (bytes) => notEmpty([latin1(bytes).replace(BLANK_END, "")]),
    US: numbers(2, (view, at, little) => view.getUint16(at, little)),
    UT: oneText(Number.POSITIVE_INFINITY),
    UV: numbers(8, (view, at, little) => exact(view.getBigUint64(at, little))),
  }),
)

// What Python takes for white space among the characters of Latin-1.
const BLANK = "[\\t-\\r\\x1c-\\x20\\x85\\xa0]"
const BLANK_BEGIN = new RegExp(`^${BLANK}+`)
const BLANK_END = new RegExp(`(?<!${BLANK})${BLANK}+$`)

function trimBlank(text: string): string {
  return text.replace(BLANK_BEGIN, "").replace(BLANK_END, "")
}

/** A single empty value is none; empty ones among several are values. */
function notEmpty(values: readonly string[]): readonly string[] {
  return values.length === 1 && values[0] === "" ? [] : values
}

function codes(bytes: Uint8Array): Values {
  return notEmpty(trimPadding(latin1(bytes)).split("\\"))
}

function uids(bytes: Uint8Array, { strict }: ValueContext): Values {
  const values = trimPadding(latin1(bytes)).split("\\")
  return strict && !values.every(isUid) ? undefined : notEmpty(values)
}

function isUid(text: string): boolean {
  return text === "" || (text.length <= 64 && /^(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))*$/.test(text))
}

/** Several texts of at most `longest` characters each, their padding counted. */
function texts(longest: number): Reader {
  return (bytes, { charsets, strict }) => {
    const values = decodeText(bytes, charsets)?.split("\\")
    if (values === undefined) return undefined
    if (strict && values.some((text) => isLonger(text, longest))) return undefined
    return notEmpty(values.map(trimPadding))
  }
}

function oneText(longest: number): Reader {
  return (bytes, { charsets, strict }) => {
    const text = decodeText(bytes, charsets)
    if (text === undefined || (strict && isLonger(text, longest))) return undefined
    return notEmpty([trimPadding(text)])
  }
}

/** In characters: a pair of surrogates is one. */
function isLonger(text: string, longest: number): boolean {
  if (text.length <= longest) return false
  if (text.length > 2 * longest) return true
  return [...text].length > longest
}

function names(bytes: Uint8Array, { charsets }: ValueContext): Values {
  const padded = bytes.findLastIndex((byte) => byte !== 0 && byte !== 0x20)
  const values = decodeText(bytes.subarray(0, padded + 1), charsets)
    ?.split("\\")
    .map(name)
  if (values?.length === 1 && values[0] === "") return []
  return values?.every((value) => typeof value === "object") ? values : undefined
}

/** Undefined for one that is too long or has too many groups, "" for one without any. */
function name(text: string): PersonName | "" | undefined {
  const groups = text.split("=")
  if (groups.length > 3 || groups.some((group) => isLonger(group, 64))) return undefined
  while (groups.at(-1) === "") groups.pop()
  const [Alphabetic, Ideographic, Phonetic] = groups
  if (Alphabetic === undefined) return ""
  if (Ideographic === undefined) return { Alphabetic }
  return Phonetic === undefined ? { Alphabetic, Ideographic } : { Alphabetic, Ideographic, Phonetic }
}

function integers(bytes: Uint8Array): Values {
  const text = trimPadding(latin1(bytes))
  if (trimBlank(text) === "") return []
  const values: number[] = []
  for (const value of text.split("\\")) {
    const number = Number(value)
    if (value.length > 12 || !/^ *[+-]?\d+ *$/.test(value) || number !== (number | 0)) return undefined
    values.push(number + 0)
  }
  return values
}

function decimals(bytes: Uint8Array): Values {
  const text = trimPadding(trimBlank(latin1(bytes)))
  if (text === "") return []
  const values: (number | null)[] = []
  for (const padded of text.split("\\")) {
    const value = trimBlank(padded)
    if (value.length > 16 || !/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value)) return undefined
    values.push(finite(Number(value)))
  }
  return values
}

function numbers(
  size: number,
  read: (view: DataView, at: number, littleEndian: boolean) => number | bigint | null,
): Reader {
  return (bytes, { littleEndian }) => {
    if (bytes.length % size !== 0) return undefined
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const values: (number | bigint | null)[] = []
    for (let at = 0; at < bytes.length; at += size) values.push(read(view, at, littleEndian))
    return values
  }
}

function tags(bytes: Uint8Array, { littleEndian }: ValueContext): Values {
  if (bytes.length > 4 && bytes.length < 8) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => {
    const group = view.getUint16(4 * index, littleEndian)
    const element = view.getUint16(4 * index + 2, littleEndian)
    return tagKey(group * 0x10000 + element)
  })
}

/** JSON has no NaN and no infinities. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

/** A number where it is exact. */
function exact(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
