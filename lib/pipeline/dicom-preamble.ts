import type { LocalBody } from "../storage/store.ts"

/** DICOM PS3.10 section 7.1: 128 bytes of preamble, then the prefix `DICM`. */
const PREAMBLE_BYTES = 128
const PREFIX = "DICM"

/** Why a body is not a DICOM file, in words for the ledger; undefined when it looks like one. */
export async function whyNotDicom(body: LocalBody): Promise<string | undefined> {
  const end = PREAMBLE_BYTES + PREFIX.length
  const head = body instanceof Uint8Array ? body.subarray(0, end) : await body.slice(0, end).bytes()
  const prefix = new TextDecoder("latin1").decode(head.subarray(PREAMBLE_BYTES))
  return prefix === PREFIX ? undefined : "not a DICOM file: no DICM prefix after 128 bytes"
}
