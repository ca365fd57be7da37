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

/** RFC 9562 in any case; returned in lower case, as PostgreSQL prints it. */
export function uuid(text: string): string {
  if (!/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) throw expected("a UUID", text)
  return text.toLowerCase()
}

function expected(what: string, got: string): UsageError {
  return new UsageError(`expected ${what}, not "${safe(got)}"`)
}
