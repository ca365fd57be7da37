import type { ByteRange, Generation } from "../../storage/store.ts"
import { crc32c, crc32cToBase64 } from "../../support/checksums.ts"
import { pipeObject, type StoredObject } from "./object-bytes.ts"

/** What bytes are, without holding them. */
export interface Measured {
  readonly size: number
  /** Base64 of the big-endian CRC32C. */
  readonly crc32c: string
}

/**
 * Reads a range of one generation of an object; where the object ends before the range does, what there is of it.
 * @throws NotFound, PreconditionFailed, AccessDenied, Unavailable
 */
export async function measureRange(
  object: StoredObject,
  range: Required<ByteRange>,
  ifGeneration: Generation,
  signal?: AbortSignal,
): Promise<Measured> {
  let checksum = 0
  let size = 0
  const sink = (chunk: Uint8Array) => {
    checksum = crc32c(chunk, checksum)
    size += chunk.length
  }
  await pipeObject(object, { range, ifGeneration }, sink, signal)
  return { size, crc32c: crc32cToBase64(checksum) }
}
