import { crc32cBase64 } from "../../support/checksums.ts"
import { InstanceValidationError } from "../errors.ts"
import { type DicomFile, parseDicom, uidsOf } from "../format/dicom/index.ts"
import type { InstanceRecord } from "../format/metadata/types.ts"
import { HINT_FIELDS, type Hints, verifyHints } from "../hints.ts"

/** Larger files are not parsed: they would be held in memory. */
export const MAX_PARSED_BYTES = 2 ** 31

/** What the bytes of a DICOM file say of it. */
export interface InstanceFacts {
  readonly size: number
  readonly crc32c: string
  readonly instanceUid: string
  readonly seriesUid: string
  readonly studyUid: string
}

/** A DICOM file that was read, and what it says of itself. */
export interface WholeFile {
  readonly bytes: Uint8Array
  readonly file: DicomFile
  readonly facts: InstanceFacts
}

/**
 * Reads what has to be known of a file, and compares it with what was said of it.
 * @param crc32c of the bytes, for who knows it already
 * @throws InvalidDicom, InstanceValidationError when it lacks a UID, HintMismatchError
 */
export function factsOf(
  bytes: Uint8Array,
  hints: Hints,
  uri: string,
  crc32c = crc32cBase64(bytes),
): { readonly facts: InstanceFacts; readonly file: DicomFile } {
  const measured = { size: bytes.length, crc32c }
  // Cheap, and of a file that is not the one that was meant nothing else is of interest.
  verifyHints({ size: hints.size, crc32c: hints.crc32c }, measured, uri)
  const file = parseDicom(bytes)
  const uids = uidsOf(file)
  verifyHints(hints, { ...measured, ...uids }, uri)
  const { instanceUid, seriesUid, studyUid } = uids
  if (instanceUid === undefined || seriesUid === undefined || studyUid === undefined) {
    const missing = Object.entries({ instanceUid, seriesUid, studyUid }).flatMap(([name, uid]) =>
      uid === undefined ? [name] : [],
    )
    throw new InstanceValidationError(`${uri} lacks ${missing.join(", ")}`, { facts: { uri } })
  }
  return { file, facts: { ...measured, instanceUid, seriesUid, studyUid } }
}

/**
 * Compares a file with what the metadata of its series says of it; what that does not say is not compared.
 * @throws InstanceValidationError for the first difference
 */
export function requireRecorded(record: InstanceRecord, facts: InstanceFacts, uri: string): void {
  for (const field of HINT_FIELDS) {
    const [said, found] = [record[field], facts[field]]
    if (said === undefined || said === found) continue
    throw new InstanceValidationError(`${uri}: ${field} is ${found}, by its series' metadata ${said}`, {
      facts: { uri, field, said, found },
    })
  }
}
