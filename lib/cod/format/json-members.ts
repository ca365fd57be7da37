import { InvalidJson } from "./errors.ts"
import { MAX_DEPTH } from "./json-tokens.ts"

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OBJECT = 0x7b
const OBJECT_END = 0x7d
const ARRAY = 0x5b
const ARRAY_END = 0x5d

/**
 * Goes through the JSON object that begins at `start`, without making anything of its values: a document of a thousand
 * instances is divided at the price of looking at it once. `take` is told each key and where its value begins, and
 * answers where it ends, by `endOfValue` or by going through it in turn. Values are only told apart, not checked:
 * parse them.
 *
 * @returns where the object ends
 * @throws InvalidJson when it is none
 */
export function goThroughObject(
  bytes: Buffer,
  start: number,
  take: (key: string, start: number) => number,
): number {
  let at = expect(bytes, skipSpace(bytes, start), OBJECT)
  if (bytes[at] === OBJECT_END) return at + 1
  while (true) {
    const colon = endOfValue(bytes, at)
    const key = keyOf(bytes, at, colon)
    at = skipSpace(bytes, take(key, expect(bytes, skipSpace(bytes, colon), COLON)))
    if (bytes[at] === OBJECT_END) return at + 1
    at = expect(bytes, at, COMMA)
  }
}

/** @throws InvalidJson when anything but space stands at `at` or behind */
export function expectEnd(bytes: Buffer, at: number): void {
  if (skipSpace(bytes, at) < bytes.length) throw invalid("something stands behind the document", at)
}

/** Text of the value that begins at `start`, of UTF-8 `bytes`. @throws InvalidJson when it does not end */
export function textOfValue(bytes: Buffer, start: number): string {
  return bytes.toString("utf8", start, endOfValue(bytes, start))
}

function keyOf(bytes: Buffer, start: number, end: number): string {
  if (bytes[start] !== QUOTE) throw invalid("a key is missing", start)
  const key = bytes.toString("utf8", start + 1, end - 1)
  if (!/[\\\p{Cc}]/u.test(key)) return key
  try {
    return JSON.parse(`"${key}"`) as string
  } catch {
    throw invalid("a key is broken", start)
  }
}

/** Where the value that begins at `start` ends. @throws InvalidJson when it does not */
export function endOfValue(bytes: Buffer, start: number): number {
  const first = bytes[start]
  if (first === QUOTE) return endOfString(bytes, start)
  if (first === OBJECT || first === ARRAY) return endOfNested(bytes, start)
  let at = start
  while (at < bytes.length && !isDelimiter(bytes[at])) at++
  if (at === start) throw invalid("a value is missing", start)
  return at
}

function endOfNested(bytes: Buffer, start: number): number {
  let depth = 0
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) at = endOfString(bytes, at) - 1
    else if (byte === OBJECT || byte === ARRAY) {
      if (++depth > MAX_DEPTH) throw invalid(`nested deeper than ${MAX_DEPTH}`, at)
    } else if ((byte === OBJECT_END || byte === ARRAY_END) && --depth === 0) return at + 1
  }
  throw invalid("an object or array does not end", start)
}

// Most strings are short: a call of `indexOf` costs as much as looking at so many bytes.
const SHORT = 96

function endOfString(bytes: Buffer, start: number): number {
  const soon = Math.min(start + SHORT, bytes.length)
  let at = start + 1
  while (at < soon) {
    const byte = bytes[at]
    if (byte === QUOTE) return at + 1
    at += byte === BACKSLASH ? 2 : 1
  }
  return endOfLongString(bytes, start, at)
}

function endOfLongString(bytes: Buffer, start: number, from: number): number {
  let at = bytes.indexOf(QUOTE, from)
  while (at !== -1 && isEscaped(bytes, at, from)) at = bytes.indexOf(QUOTE, at + 1)
  if (at === -1) throw invalid("a string does not end", start)
  return at + 1
}

/** Nothing before `from` escapes it. */
function isEscaped(bytes: Buffer, quote: number, from: number): boolean {
  let at = quote
  while (at > from && bytes[at - 1] === BACKSLASH) at--
  return (quote - at) % 2 === 1
}

/** The place behind the `byte` that must stand at `at`, and behind any space there. */
function expect(bytes: Buffer, at: number, byte: number): number {
  if (bytes[at] !== byte) throw invalid(`${JSON.stringify(String.fromCharCode(byte))} is missing`, at)
  return skipSpace(bytes, at + 1)
}

function skipSpace(bytes: Buffer, start: number): number {
  let at = start
  while (isSpace(bytes[at])) at++
  return at
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function isDelimiter(byte: number | undefined): boolean {
  return byte === COMMA || byte === OBJECT_END || byte === ARRAY_END || byte === COLON || isSpace(byte)
}

function invalid(why: string, at: number): InvalidJson {
  return new InvalidJson(`the text is no JSON: ${why}`, { facts: { byte: at } })
}
