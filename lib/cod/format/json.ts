import { InvalidJson } from "./errors.ts"
import { parseExactly } from "./json-exact.ts"
import { endOfDigits, endOfString, isDigit, isIndexKey, MAX_DEPTH } from "./json-tokens.ts"

export { keepOrder, keysInOrder, stringifyJson } from "./json-text.ts"

const QUOTE = 0x22
const DOT = 0x2e
const COLON = 0x3a
/** Integers of fewer digits are exact as numbers. */
const SAFE_DIGITS = 15

/**
 * Parses JSON as Python's `json` writes it: also `NaN`, `Infinity` and `-Infinity`; integers beyond 2^53 are `bigint`.
 * Objects are plain; "__proto__" is a key like any other. The native parser does it unless something in the text is
 * beyond it.
 *
 * An object sorts keys like "30040002" in front of all others. `inOrder` has `stringifyJson` write them where they
 * stood, at the price of the slow way for every text that has one.
 *
 * @throws InvalidJson for what is no JSON, or nested deeper than `MAX_DEPTH`
 */
export function parseJson(text: string, { inOrder = false } = {}): unknown {
  if (needsExactness(text, inOrder)) return parseExactly(text)
  try {
    return JSON.parse(text)
  } catch {
    // The native message quotes the text, which may be a patient's.
    throw new InvalidJson("the text is no JSON", { facts: { characters: text.length } })
  }
}

/**
 * Whether the native parser would refuse `text` or change it: `NaN` and infinities, integers beyond 2^53, keys that an
 * object sorts when they are to stay `inOrder`, nesting without end. Text that is no JSON may answer either way.
 */
function needsExactness(text: string, inOrder: boolean): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfString(text, at) ?? text.length
      if (inOrder && isIndexKey(text, at + 1, end) && isFollowedByColon(text, end)) return true
      at = end
    } else if (isDigit(code)) {
      const end = endOfDigits(text, at)
      const isInteger = text.charCodeAt(end) !== DOT
      if (isInteger && end - at > SAFE_DIGITS) return true
      at = (isInteger ? end : endOfDigits(text, end + 1)) - 1
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > MAX_DEPTH) return true
    } else if (code === 0x5d || code === 0x7d) depth--
    else if (code === 0x4e || code === 0x49) return true
  }
  return false
}

function isFollowedByColon(text: string, end: number): boolean {
  let at = end + 1
  while (text.charCodeAt(at) <= 0x20) at++
  return text.charCodeAt(at) === COLON
}
