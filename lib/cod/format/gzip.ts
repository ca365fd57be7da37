import { gunzipSync } from "node:zlib"
import { InvalidCompression, TooLarge } from "./errors.ts"

/**
 * gzip (RFC 1952) at level 9, without name and time: the same bytes in give the same bytes out, behind the header that
 * Python's gzip module writes.
 */
export function gzip(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
  // Less than half of zlib's time, and smaller for what stored tags are: base64 of what was compressed before.
  return Bun.gzipSync(bytes, { level: 9, library: "libdeflate" })
}

/** Whether `bytes` begin as gzip does: stores hand the same object out compressed or not. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/**
 * What gzip `bytes` hold.
 *
 * @throws InvalidCompression for broken bytes, TooLarge beyond `maxBytes`
 */
export function gunzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes, chunkSize: chunkSizeOf(bytes, maxBytes) })
  } catch (cause) {
    if (isBufferTooLarge(cause)) throw new TooLarge("bytes in a gzip file", maxBytes, { cause })
    throw new InvalidCompression("gzip bytes cannot be decompressed", {
      facts: { bytes: bytes.length },
      cause,
    })
  }
}

/** Whether zlib gave up because the output passed its bound. */
export function isBufferTooLarge(error: unknown): boolean {
  return error instanceof RangeError && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE"
}

// Deflate reaches 1032 : 1 at best, so a larger answer is a lie.
const BEST_RATIO = 1032
const SMALLEST_CHUNK = 1 << 14

/**
 * The last four bytes tell how much it is (modulo 2^32): in one piece of that size nothing needs to be joined. A lie
 * only costs time, for it is bounded by what the input could hold.
 */
function chunkSizeOf(bytes: Uint8Array, maxBytes: number): number {
  if (bytes.length < 18) return SMALLEST_CHUNK
  const told = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 4, true)
  return Math.max(SMALLEST_CHUNK, Math.min(told, maxBytes, bytes.length * BEST_RATIO))
}
