import { latin1, trimPadding } from "./text.ts"

/**
 * Decodes one text value (PS3.5, section 6.1): by the first character set until an escape sequence names another one
 * of them. Undefined when bytes cannot be decoded, or an escape sequence names a set that was not announced.
 */
export function decodeText(bytes: Uint8Array, charsets: Charsets): string | undefined {
  const [first] = charsets
  if (!bytes.includes(ESC)) return decode(bytes, first)
  let text = ""
  for (const fragment of fragments(bytes)) {
    const decoded = fragment[0] === ESC ? decodeEscaped(fragment, charsets) : decode(fragment, first)
    if (decoded === undefined) return undefined
    text += decoded
  }
  return text
}

/** What a value is decoded with, the default first. */
export type Charsets = readonly [Charset, ...Charset[]]

export const DEFAULT_CHARSETS: Charsets = ["latin1"]

/**
 * The values of Specific Character Set (0008,0005; PS3.3, section C.12.1.1.2) as decoders. What is unknown counts as
 * the default repertoire, read as Latin-1; common misspellings are understood; sets without code extensions stand
 * alone.
 */
export function charsetsOf(values: readonly string[]): Charsets {
  const [first = "", ...others] = values.map(trimPadding)
  if (STAND_ALONE.has(first)) return [charsetOf(first)]
  return [charsetOf(first), ...others.filter((value) => !STAND_ALONE.has(value)).map(charsetOf)]
}

type Charset = (typeof SETS)[keyof typeof SETS]

const ESC = 0x1b

const SETS = {
  "": "latin1",
  "6": "latin1",
  "13": "shift_jis",
  "58": "gb2312",
  "87": "jis-x-0208",
  "100": "latin1",
  "101": "iso-8859-2",
  "109": "iso-8859-3",
  "110": "iso-8859-4",
  "126": "iso-8859-7",
  "127": "iso-8859-6",
  "138": "iso-8859-8",
  "144": "iso-8859-5",
  "148": "latin5",
  "149": "euc-kr",
  "159": "jis-x-0212",
  "166": "tis-620",
  "192": "utf-8",
  GB18030: "gb18030",
  GBK: "gbk",
} as const

const STAND_ALONE: ReadonlySet<string> = new Set(["ISO_IR 192", "GBK", "GB18030"])

// ISO 2022 escape sequences (PS3.3, tables C.12-3 and C.12-4) without ESC itself.
const ESCAPES: Readonly<Record<string, Charset>> = {
  "(B": "latin1",
  "-A": "latin1",
  ")I": "shift_jis",
  "(J": "shift_jis",
  $B: "jis-x-0208",
  "-B": "iso-8859-2",
  "-C": "iso-8859-3",
  "-D": "iso-8859-4",
  "-F": "iso-8859-7",
  "-G": "iso-8859-6",
  "-H": "iso-8859-8",
  "-L": "iso-8859-5",
  "-M": "latin5",
  "-T": "tis-620",
  "$)C": "euc-kr",
  "$(D": "jis-x-0212",
  "$)A": "gb2312",
}

function charsetOf(value: string): Charset {
  const [, number] = /^ISO.(?:IR |2022.IR.)(\d+)$/.exec(value) ?? []
  const key = number ?? OTHER_NAMES[value.toLowerCase()] ?? value
  return Object.hasOwn(SETS, key) ? SETS[key as keyof typeof SETS] : "latin1"
}

// Names that occur in the place of the standard's.
const OTHER_NAMES: Readonly<Record<string, string>> = {
  "iso 2022 gbk": "GBK",
  "iso 2022 58": "58",
  "utf-8": "192",
  utf8: "192",
  gb2312: "58",
  gbk: "GBK",
  gb18030: "GB18030",
}

/** The text before the first escape sequence, and one piece for each of them. */
function* fragments(bytes: Uint8Array): Generator<Uint8Array> {
  let start = 0
  while (start < bytes.length) {
    const next = bytes.indexOf(ESC, start + 1)
    const end = next < 0 ? bytes.length : next
    yield bytes.subarray(start, end)
    start = end
  }
}

function decodeEscaped(fragment: Uint8Array, charsets: Charsets): string | undefined {
  const head = latin1(fragment.subarray(1, 4))
  const sequence = /^\$[()]/.test(head) ? head : head.slice(0, 2)
  const charset = Object.hasOwn(ESCAPES, sequence) ? ESCAPES[sequence] : undefined
  if (charset === undefined || (charset !== "latin1" && !charsets.includes(charset))) return undefined
  const text = fragment.subarray(1 + sequence.length)
  if (charset === "jis-x-0208" || charset === "jis-x-0212") return decode(text, charset)
  // A line's or page's end takes back what the escape sequence said (PS3.5, section 6.1.2.5.3).
  const delimiter = text.findIndex((byte) => DELIMITERS.has(byte))
  if (delimiter < 0) return decode(text, charset)
  const before = decode(text.subarray(0, delimiter), charset)
  const behind = decode(text.subarray(delimiter), charsets[0])
  return before === undefined || behind === undefined ? undefined : before + behind
}

const DELIMITERS: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0c, 0x0d])

function decode(bytes: Uint8Array, charset: Charset): string | undefined {
  switch (charset) {
    case "latin1":
      return latin1(bytes)
    case "latin5":
      return latin1(bytes).replace(/[ÐÝÞðýþ]/g, (letter) => LATIN5[letter] ?? letter)
    case "tis-620":
      return decodeThai(bytes)
    case "jis-x-0208":
      return decodeJis(bytes, [])
    case "jis-x-0212":
      return decodeJis(bytes, [0x8f])
    case "shift_jis":
      return asUnicodeHasIt(decodeStrictly(bytes, "shift_jis"), JAPANESE)
    case "gb2312":
      return asUnicodeHasIt(decodeStrictly(bytes, "gbk"), CHINESE)
    default:
      return decodeStrictly(bytes, charset)
  }
}

// The web's decoder of ISO 8859-9 is that of Windows-1254.
const LATIN5: Readonly<Record<string, string>> = { Ð: "Ğ", Ý: "İ", Þ: "Ş", ð: "ğ", ý: "ı", þ: "ş" }

// The web's decoders follow Windows in characters that the standards call otherwise.
const JAPANESE: Readonly<Record<string, string>> = {
  "～": "〜",
  "∥": "‖",
  "－": "−",
  "￠": "¢",
  "￡": "£",
  "￢": "¬",
}
const CHINESE: Readonly<Record<string, string>> = { "·": "・", "—": "―" }

function asUnicodeHasIt(
  text: string | undefined,
  others: Readonly<Record<string, string>>,
): string | undefined {
  return text?.replace(/[～∥－￠￡￢·—]/g, (character) => others[character] ?? character)
}

/** ISO 8859-11 without the no-break space: A1 to DA and DF to FB are U+0E01 and following. */
function decodeThai(bytes: Uint8Array): string | undefined {
  let text = ""
  for (const byte of bytes) {
    if (byte === 0xa0 || (byte > 0xda && byte < 0xdf) || byte > 0xfb) return undefined
    text += String.fromCharCode(byte > 0xa0 ? byte + 0xd60 : byte)
  }
  return text
}

/** Two bytes a character, controls between them as they are; by way of EUC, which has the same tables. */
function decodeJis(bytes: Uint8Array, prefix: readonly number[]): string | undefined {
  const euc: number[] = []
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] ?? 0
    const second = bytes[at + 1]
    if (byte < 0x20) {
      euc.push(byte)
      at += 1
    } else {
      if (byte > 0x7f || second === undefined || second > 0x7f) return undefined
      euc.push(...prefix, byte | 0x80, second | 0x80)
      at += 2
    }
  }
  const names = prefix.length === 0 ? JAPANESE : { "～": "~" }
  return asUnicodeHasIt(decodeStrictly(Uint8Array.from(euc), "euc-jp"), names)
}

const decoders = new Map<Bun.Encoding, TextDecoder>()

function decodeStrictly(bytes: Uint8Array, label: Bun.Encoding): string | undefined {
  let decoder = decoders.get(label)
  if (decoder === undefined) {
    decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true })
    decoders.set(label, decoder)
  }
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
