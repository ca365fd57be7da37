import { InvalidJson } from "./errors.ts"
import { MAX_DEPTH } from "./json-tokens.ts"
import { pythonFloat } from "./python-float.ts"

/** Orders that an object cannot keep by itself, because it sorts keys like "30040002" in front of all others. */
const orders = new WeakMap<object, readonly string[]>()

/** Has `object` written in the order of `keys`; what is not among them comes behind. */
export function keepOrder<T extends object>(object: T, keys: readonly string[]): T {
  orders.set(object, keys)
  return object
}

/** Keys of `object` in the order in which they are written. */
export function keysInOrder(object: object): readonly string[] {
  const order = orders.get(object)
  if (order === undefined) return Object.keys(object)
  return [...new Set([...order.filter((key) => Object.hasOwn(object, key)), ...Object.keys(object)])]
}

/**
 * Text as Python's `json.dumps` writes it by default: ", " and ": ", nothing but ASCII, floating-point numbers as
 * Python shows them. NaN and infinities become null, a `bigint` its digits; keys whose value is `undefined` are left
 * out. A `Map` is written as an object.
 *
 * @throws InvalidJson for a value that JSON cannot tell (a date, a function), or nested deeper than `MAX_DEPTH`
 */
export function stringifyJson(value: unknown): string {
  return textOf(value, 0)
}

function textOf(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new InvalidJson(`nested deeper than ${MAX_DEPTH}`)
  if (value === null || value === undefined) return "null"
  if (typeof value === "string") return textOfString(value)
  if (typeof value === "number") return textOfNumber(value)
  if (typeof value === "boolean" || typeof value === "bigint") return String(value)
  return Array.isArray(value) ? textOfItems(value, depth + 1) : textOfMembers(value, depth + 1)
}

function textOfItems(items: readonly unknown[], depth: number): string {
  let text = ""
  for (const item of items) text += `${text === "" ? "" : ", "}${textOf(item, depth)}`
  return `[${text}]`
}

function textOfMembers(value: unknown, depth: number): string {
  let text = ""
  if (isPlainObject(value)) {
    for (const key of keysInOrder(value)) text = withMember(text, key, value[key], depth)
  } else if (value instanceof Map) {
    for (const [key, member] of value) text = withMember(text, key, member, depth)
  } else throw new InvalidJson(`JSON cannot tell a ${typeof value} of this kind`)
  return `{${text}}`
}

function withMember(text: string, key: string, member: unknown, depth: number): string {
  if (member === undefined) return text
  return `${text}${text === "" ? "" : ", "}${textOfString(key)}: ${textOf(member, depth)}`
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** ASCII in which nothing needs to be escaped, as most texts are. */
const PLAIN = /^[ !#-[\]-~]*$/

function textOfString(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`
  return inAscii(JSON.stringify(text))
}

/** By hand, for speed: of a value of pixels the beginning is told, and it is mostly beyond ASCII. */
function inAscii(text: string): string {
  let ascii = ""
  let from = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x7f) continue
    ascii += `${text.slice(from, at)}\\u${unit.toString(16).padStart(4, "0")}`
    from = at + 1
  }
  return ascii + text.slice(from)
}

/** A whole number that is not safe came from a fraction or an exponent: other whole ones of that size are `bigint`. */
function textOfNumber(value: number): string {
  if (!Number.isFinite(value)) return "null"
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? String(value) : pythonFloat(value)
}
