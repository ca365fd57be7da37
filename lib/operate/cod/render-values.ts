import type { Window } from "../../cod/index.ts"
import { UsageError } from "../../support/errors.ts"
import { safe } from "../../support/text.ts"

// Parsers for the flags of `cod render`, as those of lib/support/cli-values.ts.

/** More would take gigabytes to resize to. */
const MAX_SIZE = 4096

/** `40,400`, `-600,1500`: centre and width, of values after rescaling (PS3.3, section C.11.2). */
export function windowValue(text: string): Window {
  const [, center, width] = /^\s*(-?\d+(?:\.\d+)?)\s*,\s*(\d+(?:\.\d+)?)\s*$/.exec(text) ?? []
  if (Number(width) > 0) return { center: Number(center), width: Number(width) }
  throw new UsageError(`expected center,width such as 40,400, the width above 0, not "${safe(text)}"`)
}

/** Pixels of the long side. */
export function pictureSize(text: string): number {
  const size = Number(text)
  if (/^\d+$/.test(text) && size >= 1 && size <= MAX_SIZE) return size
  throw new UsageError(`expected a whole number from 1 to ${MAX_SIZE}, not "${safe(text)}"`)
}
