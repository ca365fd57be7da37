import { HintMismatchError } from "./errors.ts"

/**
 * What is known of a DICOM file without having read it, from an inventory for instance. It is taken at face value to
 * skip work, and verified whenever the file is read.
 */
export interface Hints {
  /** Bytes. */
  readonly size?: number | undefined
  /** Base64 of the big-endian CRC32C of the whole file. */
  readonly crc32c?: string | undefined
  /** Real UIDs, never hashed ones. */
  readonly instanceUid?: string | undefined
  readonly seriesUid?: string | undefined
  readonly studyUid?: string | undefined
}

export const HINT_FIELDS = ["size", "crc32c", "instanceUid", "seriesUid", "studyUid"] as const

/**
 * Compares hints with what the file at `uri` turned out to be.
 * @throws HintMismatchError for the first one that is wrong
 */
export function verifyHints(hints: Hints, found: Hints, uri: string): void {
  for (const field of HINT_FIELDS) {
    const hint = hints[field]
    if (hint !== undefined && hint !== found[field]) {
      throw new HintMismatchError(field, hint, found[field], uri)
    }
  }
}
