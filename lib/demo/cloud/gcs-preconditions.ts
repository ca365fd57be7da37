import type { StoredObject } from "./buckets.ts"
import { invalid, preconditionFailed } from "./gcs-errors.ts"

/**
 * Decimal generation numbers as the request wrote them; "0" stands for "no live version".
 * https://cloud.google.com/storage/docs/request-preconditions
 */
export interface Preconditions {
  readonly ifGenerationMatch: string | undefined
  readonly ifGenerationNotMatch: string | undefined
  readonly ifMetagenerationMatch: string | undefined
  readonly ifMetagenerationNotMatch: string | undefined
}

export function preconditionsOf(params: URLSearchParams): Preconditions {
  return {
    ifGenerationMatch: int64Param(params, "ifGenerationMatch"),
    ifGenerationNotMatch: int64Param(params, "ifGenerationNotMatch"),
    ifMetagenerationMatch: int64Param(params, "ifMetagenerationMatch"),
    ifMetagenerationNotMatch: int64Param(params, "ifMetagenerationNotMatch"),
  }
}

/** Refuses with 412 what must not happen to the live version. */
export function requireHolds(preconditions: Preconditions, live: StoredObject | undefined) {
  if (!matches(preconditions, live) || !differs(preconditions, live)) throw preconditionFailed()
}

/** For reads: a `…NotMatch` that names the live version is "not modified" (304) instead of a failure. */
export function isNotModified(preconditions: Preconditions, live: StoredObject): boolean {
  if (!matches(preconditions, live)) throw preconditionFailed()
  return !differs(preconditions, live)
}

export function int64Param(params: URLSearchParams, name: string): string | undefined {
  const value = params.get(name)
  if (value === null) return undefined
  if (!/^\d{1,19}$/.test(value))
    throw invalid(`Invalid value for: Invalid format: "${value}" is not an int64 (${name}).`)
  return String(BigInt(value))
}

function matches(wanted: Preconditions, live: StoredObject | undefined): boolean {
  return (
    equalsOrUnset(wanted.ifGenerationMatch, generation(live)) &&
    equalsOrUnset(wanted.ifMetagenerationMatch, metageneration(live))
  )
}

function differs(wanted: Preconditions, live: StoredObject | undefined): boolean {
  return (
    wanted.ifGenerationNotMatch !== generation(live) &&
    wanted.ifMetagenerationNotMatch !== metageneration(live)
  )
}

function equalsOrUnset(wanted: string | undefined, actual: string): boolean {
  return wanted === undefined || wanted === actual
}

function generation(live: StoredObject | undefined): string {
  return live === undefined ? "0" : live.generation
}

function metageneration(live: StoredObject | undefined): string {
  return live === undefined ? "0" : String(live.metageneration)
}
