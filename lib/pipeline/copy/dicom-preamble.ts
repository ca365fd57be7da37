/** DICOM PS3.10 section 7.1: 128 bytes of preamble, then the prefix `DICM`. */
const PREAMBLE_BYTES = 128
const PREFIX = "DICM"

/** Why a file that begins so is not a DICOM file, in words for the ledger; undefined when it looks like one. */
export function whyNotDicom(beginning: Uint8Array): string | undefined {
  const prefix = beginning.subarray(PREAMBLE_BYTES, PREAMBLE_BYTES + PREFIX.length)
  const isPrefix =
    prefix.length === PREFIX.length && prefix.every((byte, at) => byte === PREFIX.charCodeAt(at))
  return isPrefix ? undefined : "not a DICOM file: no DICM prefix after 128 bytes"
}
