import { CODError } from "../../cod/errors.ts"
import { readHeader } from "../../cod/format/dicom/index.ts"
import { bytesOfRange } from "../../cod/reading/object-bytes.ts"
import type { Header } from "../../ledger/cod/headers.ts"
import type { LocalBody, ObjectSource } from "../../storage/store.ts"
import { whyNotDicom } from "../copy/dicom-preamble.ts"

/** The header of a file, or why it has none that says where it belongs: in words for the ledger and for people. */
export type FoundHeader = Header | { readonly error: string; readonly isDicom: boolean }

/** Reads the header of a body on this box. */
export async function readHeaderOf(body: LocalBody): Promise<FoundHeader> {
  if (body instanceof Uint8Array) return headerIn(body, body.length)!
  return await readHeaderBy((start, end) => body.slice(start, end).bytes())
}

/**
 * Reads the header of an object, mostly by one ranged read.
 * @throws NotFound; PreconditionFailed when it is another generation; AccessDenied; Unavailable
 */
export async function readHeaderAt(
  store: ObjectSource,
  key: string,
  generation: string,
  signal?: AbortSignal,
): Promise<FoundHeader> {
  return await readHeaderBy(async (start, end) => {
    const { bytes } = await bytesOfRange({ source: store, key }, { start, end }, generation, signal)
    return bytes
  })
}

/** Bytes that are read one after the other, until they are enough: mostly the first are. */
const LENGTHS = [64 << 10, 512 << 10, 4 << 20, 32 << 20, 64 << 20]

/** @param read the bytes from `start` up to `end`; fewer where the file ends before */
async function readHeaderBy(read: (start: number, end: number) => Promise<Uint8Array>): Promise<FoundHeader> {
  let beginning: Uint8Array = new Uint8Array()
  for (const end of LENGTHS) {
    const more = await read(beginning.length, end)
    beginning = beginning.length === 0 ? more : Buffer.concat([beginning, more])
    const found = headerIn(beginning, beginning.length < end ? beginning.length : Number.POSITIVE_INFINITY)
    if (found !== undefined) return found
  }
  return { error: `its header does not end within ${LENGTHS.at(-1)} bytes`, isDicom: true }
}

/** Undefined when the header goes on behind the beginning. */
function headerIn(beginning: Uint8Array, size: number): FoundHeader | undefined {
  const whyNot = whyNotDicom(beginning)
  if (whyNot !== undefined) return { error: whyNot, isDicom: false }
  try {
    return readHeader(beginning, size)
  } catch (error) {
    if (!(error instanceof CODError)) throw error
    return { error: error.message, isDicom: true }
  }
}
