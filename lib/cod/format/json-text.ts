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
  if (Array.isArray(value)) return `[${value.map((item) => textOf(item, depth + 1)).join(", ")}]`
  const members = entriesOf(value)
    .filter(([, member]) => member !== undefined)
    .map(([key, member]) => `${textOfString(key)}: ${textOf(member, depth + 1)}`)
  return `{${members.join(", ")}}`
}

function entriesOf(value: unknown): [string, unknown][] {
  if (value instanceof Map) return [...value]
  if (!isPlainObject(value)) throw new InvalidJson(`JSON cannot tell a ${typeof value} of this kind`)
  return keysInOrder(value).map((key) => [key, value[key]])
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function textOfString(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
}

/** A whole number that is not safe came from a fraction or an exponent: other whole ones of that size are `bigint`. */
function textOfNumber(value: number): string {
  if (!Number.isFinite(value)) return "null"
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? String(value) : pythonFloat(value)
}
