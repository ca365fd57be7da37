import { InvalidJson } from "./errors.ts"
import { keepOrder } from "./json-text.ts"
import { endOfString, isIndexKey, MAX_DEPTH } from "./json-tokens.ts"

/** Python converts no longer integers either. */
const MAX_DIGITS = 4300

const NUMBER = /-?(?:0|[1-9][0-9]*)((?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)/y
const WORD = /true|false|null|NaN|-?Infinity/y
const SPACE = /[ \t\n\r]*/y

const WORDS: Readonly<Record<string, unknown>> = {
  true: true,
  false: false,
  null: null,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
}

/**
 * Parses JSON token by token, as `parseJson` promises it. Much slower than the native parser.
 *
 * @throws InvalidJson
 */
export function parseExactly(text: string): unknown {
  const cursor = new Cursor(text)
  const value = parseValue(cursor, 0)
  if (!cursor.isAtEnd()) throw cursor.invalid("something stands behind the document")
  return value
}

function parseValue(cursor: Cursor, depth: number): unknown {
  if (depth > MAX_DEPTH) throw cursor.invalid(`nested deeper than ${MAX_DEPTH}`)
  if (cursor.takes("{")) return parseObject(cursor, depth)
  if (cursor.takes("[")) return parseArray(cursor, depth)
  if (cursor.sees('"')) return parseString(cursor)
  const word = cursor.match(WORD)?.[0]
  return word === undefined ? parseNumber(cursor) : WORDS[word]
}

function parseObject(cursor: Cursor, depth: number): object {
  const object: Record<string, unknown> = {}
  const keys = new Set<string>()
  if (cursor.takes("}")) return object
  do {
    if (!cursor.sees('"')) throw cursor.invalid("a key is missing")
    const key = parseString(cursor)
    if (!cursor.takes(":")) throw cursor.invalid("a colon is missing")
    // An assignment would set the prototype instead of a key of that name.
    Object.defineProperty(object, key, {
      value: parseValue(cursor, depth + 1),
      configurable: true,
      enumerable: true,
      writable: true,
    })
    keys.add(key)
  } while (cursor.takes(","))
  if (!cursor.takes("}")) throw cursor.invalid("an object does not end")
  return keys.values().some((key) => isIndexKey(key)) ? keepOrder(object, [...keys]) : object
}

function parseArray(cursor: Cursor, depth: number): unknown[] {
  const array: unknown[] = []
  if (cursor.takes("]")) return array
  do array.push(parseValue(cursor, depth + 1))
  while (cursor.takes(","))
  if (!cursor.takes("]")) throw cursor.invalid("an array does not end")
  return array
}

function parseString(cursor: Cursor): string {
  const quoted = cursor.quoted()
  try {
    if (quoted !== undefined) return JSON.parse(quoted) as string
  } catch {
    // Told below, without the text, which may be a patient's.
  }
  throw cursor.invalid("a string is broken")
}

function parseNumber(cursor: Cursor): number | bigint {
  const [digits, fraction] = cursor.match(NUMBER) ?? []
  if (digits === undefined) throw cursor.invalid("a value is missing")
  const number = Number(digits)
  if (fraction !== "" || Number.isSafeInteger(number)) return number
  if (digits.length > MAX_DIGITS) throw cursor.invalid(`an integer has more than ${MAX_DIGITS} digits`)
  return BigInt(digits)
}

/** A place in a text, always behind any space. */
class Cursor {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#skipSpace()
  }

  sees(character: string): boolean {
    return this.#text[this.#at] === character
  }

  takes(character: string): boolean {
    if (!this.sees(character)) return false
    this.#at++
    this.#skipSpace()
    return true
  }

  match(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.#at
    const found = sticky.exec(this.#text)
    if (found === null) return undefined
    this.#at += found[0].length
    this.#skipSpace()
    return found
  }

  /** The string that begins here, with its quotes. */
  quoted(): string | undefined {
    const end = endOfString(this.#text, this.#at)
    if (end === undefined) return undefined
    const quoted = this.#text.slice(this.#at, end + 1)
    this.#at = end + 1
    this.#skipSpace()
    return quoted
  }

  isAtEnd(): boolean {
    return this.#at === this.#text.length
  }

  invalid(why: string): InvalidJson {
    return new InvalidJson(`the text is no JSON: ${why}`, { facts: { character: this.#at } })
  }

  #skipSpace(): void {
    SPACE.lastIndex = this.#at
    this.#at += SPACE.exec(this.#text)?.[0].length ?? 0
  }
}
