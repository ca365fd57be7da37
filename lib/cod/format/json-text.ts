import { InvalidJson } from "./errors.ts"
import { MAX_DEPTH } from "./json-tokens.ts"

/** Orders that an object cannot keep by itself, because it sorts keys like "30040002" in front of all others. */
const orders = new WeakMap<object, readonly string[]>()

/** Has `object` written in the order of `keys`; what is not among them comes behind. */
export function keepOrder<T extends object>(object: T, keys: readonly string[]): T {
  orders.set(object, keys)
  return object
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
  const order = orders.get(value)
  if (order === undefined) return Object.entries(value)
  const keys = new Set([...order.filter((key) => Object.hasOwn(value, key)), ...Object.keys(value)])
  return Array.from(keys, (key) => [key, value[key]])
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function textOfString(text: string): string {
  return JSON.stringify(text).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
}

/** Python's `repr`: the same shortest digits as ours, but an exponent from 1e16 on and below 1e-4, of two digits. */
function textOfNumber(value: number): string {
  if (!Number.isFinite(value)) return "null"
  if (Object.is(value, -0)) return "-0.0"
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2")
  }
  // A whole number that is not safe was none: whole ones of that size are `bigint`.
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? `${value}.0` : String(value)
}
