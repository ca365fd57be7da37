import {
  listeningPort,
  lockNames as names,
  byteSize as size,
  type ValueKind,
  metadataVersion as version,
} from "./config-values.ts"
import { UsageError } from "./errors.ts"
import { safe } from "./text.ts"

// Parsers for flags and arguments: text in, value out, or a UsageError that says what was expected.

export function positiveInteger(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || !Number.isSafeInteger(value))
    throw expected("a whole number from 1", text)
  return value
}

/** `5`, `5%` and `0.5 %` are percentages above 0 and up to 100. */
export function percentage(text: string): number {
  const [, digits] = /^(\d+(?:\.\d+)?)\s*%?$/.exec(text) ?? []
  const value = Number(digits)
  if (digits === undefined || value <= 0 || value > 100)
    throw expected("a percentage above 0 and up to 100", text)
  return value
}

/** As in the configuration: `500G`, `500 GB` and `500000000000` are the same, `GiB` are larger. */
export function byteSize(text: string): number {
  return asConfigured(size, text)
}

/** As in the configuration. */
export function portNumber(text: string): number {
  return asConfigured(listeningPort, text)
}

/** As in the configuration. */
export function lockNames(text: string): readonly string[] {
  return asConfigured(names, text)
}

/** As in the configuration. */
export function metadataVersion(text: string): "1.0" | "2.0" {
  return asConfigured(version, text)
}

function asConfigured<T>({ schema, expected: what, example }: ValueKind<T>, text: string): T {
  const { data, success } = schema.safeParse(text)
  if (!success) throw expected(`${what}, such as ${example}`, text)
  return data
}

/** A moment of every day, by some clock. */
export interface TimeOfDay {
  readonly hour: number
  readonly minute: number
}

/** `07:00`, `7:00`, `23:59`. */
export function timeOfDay(text: string): TimeOfDay {
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text) ?? []
  if (hour === undefined || minute === undefined) throw expected("a time of day such as 07:00", text)
  return { hour: Number(hour), minute: Number(minute) }
}

/** `2h`, `90m`, `1h30m`, `45s`, also with spaces. @returns milliseconds */
export function timeSpan(text: string): number {
  const [, hours = 0, minutes = 0, seconds = 0] =
    /^(?:(\d+)\s*h)?\s*(?:(\d+)\s*m(?:in)?)?\s*(?:(\d+)\s*s)?$/.exec(text) ?? []
  const span = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000
  if (!(span > 0 && Number.isSafeInteger(span))) throw expected("a time such as 2h, 90m or 1h30m", text)
  return span
}

/** RFC 9562 in any case; returned in lower case, as PostgreSQL prints it. */
export function uuid(text: string): string {
  if (!/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) throw expected("a UUID", text)
  return text.toLowerCase()
}

function expected(what: string, got: string): UsageError {
  return new UsageError(`expected ${what}, not "${safe(got)}"`)
}
