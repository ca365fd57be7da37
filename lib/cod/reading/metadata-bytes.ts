import { PreconditionFailed, Unavailable } from "../../storage/errors.ts"
import { isGzip } from "../format/gzip.ts"
import { DEFAULT_LIMITS } from "../format/metadata/series.ts"
import { type StoredObject, wholeObject } from "./object-bytes.ts"

/** Exchanged while it is read, and its body broken off as well: it is begun anew this often. */
const BEGINNINGS = 3

/** A metadata.json as it is stored, all of it of one generation. @throws NotFound, TooLarge, StorageError */
export async function wholeMetadata(
  object: StoredObject,
  maxBytes = DEFAULT_LIMITS.documentBytes,
  signal?: AbortSignal,
) {
  for (let beginning = 1; ; beginning++) {
    try {
      return await wholeObject(object, maxBytes, signal)
    } catch (cause) {
      if (!(cause instanceof PreconditionFailed)) throw cause
      if (beginning === BEGINNINGS) throw new Unavailable(cause.message, cause.facts, cause)
    }
  }
}

/** Of a gzip member its last four bytes tell it, modulo 2^32 (RFC 1952, section 2.3.1), which its reader verifies. */
export function decompressedSize(bytes: Uint8Array): number {
  if (!isGzip(bytes) || bytes.length < 18) return bytes.length
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Math.max(bytes.length, view.getUint32(bytes.length - 4, true))
}
