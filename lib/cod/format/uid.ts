import { InvalidUid } from "./errors.ts"

/** Longest UID that DICOM permits (PS3.5, section 9.1), in characters. */
export const MAX_UID_LENGTH = 64

/** What is wrong with a UID: it is none, or it is one but for its length. */
export type UidFault = "syntax" | "length"

/**
 * Looks at a real UID by PS3.5, sections 6.2 and 9.1: components of digits, divided by dots, without leading zeros,
 * 64 characters at most. A padding NUL or space does not belong to it: strip it before.
 *
 * Archives hold UIDs that are too long, so a reader goes on with `length` and warns of it.
 */
export function uidFault(uid: string): UidFault | undefined {
  if (!/^(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*$/.test(uid)) return "syntax"
  return uid.length > MAX_UID_LENGTH ? "length" : undefined
}

/**
 * A real UID that we are about to write into something new.
 *
 * @throws InvalidUid for any fault, also for its length
 */
export function requireUid(uid: string): string {
  const fault = uidFault(uid)
  if (fault === undefined) return uid
  const why = fault === "length" ? `longer than ${MAX_UID_LENGTH} characters` : "not of digits and dots"
  throw new InvalidUid(`UID ${JSON.stringify(uid.slice(0, 80))} is ${why}`, { facts: { fault } })
}

// A file system holds 255 bytes in one name; an instance's has ".dcm" behind its key.
const MAX_SEGMENT_BYTES = 251

/**
 * Whether `text` is safe as one segment of a path, in a bucket as well as on a disk; all that is asked of a hashed
 * UID. Neither empty nor "." nor "..", no slash of either kind, no control characters, nothing that UTF-8 cannot say.
 */
export function isPathSegment(text: string): boolean {
  if (text === "" || text === "." || text === "..") return false
  if (/[\p{Cc}\p{Zl}\p{Zp}/\\]/u.test(text) || !text.isWellFormed()) return false
  return Buffer.byteLength(text) <= MAX_SEGMENT_BYTES
}
