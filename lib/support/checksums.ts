import { open } from "node:fs/promises"
import { crc32c as nativeCrc32c } from "@node-rs/crc32"
import { shiftCrc32c } from "./crc32c-shift.ts"

/** Base64 of the big-endian CRC32C of no bytes at all. */
export const EMPTY_CRC32C = "AAAAAA=="

/**
 * CRC32C (Castagnoli, RFC 3720 appendix B.4) of `bytes`, unsigned 32 bits. To go on over further pieces pass
 * the result of the piece before as `previous`.
 */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  return nativeCrc32c(bytes, previous)
}

/** CRC32C as GCS writes it in metadata and in `x-goog-hash`: base64 of the four bytes, big-endian. */
export function crc32cBase64(bytes: Uint8Array): string {
  return crc32cToBase64(crc32c(bytes))
}

export function crc32cToBase64(value: number): string {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(value)
  return bytes.toString("base64")
}

/** @throws RangeError when `text` is not the base64 of exactly four bytes */
export function crc32cFromBase64(text: string): number {
  const bytes = Buffer.from(text, "base64")
  if (bytes.length !== 4 || bytes.toString("base64") !== text) {
    throw new RangeError(`not the base64 of a CRC32C: ${JSON.stringify(text)}`)
  }
  return bytes.readUInt32BE()
}

/**
 * CRC32C of two runs of bytes after one another, from what is known of each: no byte is looked at.
 * @param lengthOfSecond in bytes
 * @throws RangeError when one of them is not the base64 of exactly four bytes
 */
export function crc32cCombine(first: string, second: string, lengthOfSecond: number): string {
  return crc32cToBase64(
    (shiftCrc32c(crc32cFromBase64(first), lengthOfSecond) ^ crc32cFromBase64(second)) >>> 0,
  )
}

/**
 * CRC32C of what stands before `tail`, from that of the whole: `crc32cCombine` backwards.
 * @throws RangeError when `whole` is not the base64 of exactly four bytes
 */
export function crc32cWithout(whole: string, tail: Uint8Array): string {
  return crc32cToBase64(shiftCrc32c((crc32cFromBase64(whole) ^ crc32c(tail)) >>> 0, -tail.byteLength))
}

/** MD5 as GCS writes it (`md5Hash`); hex, as S3's single-part ETags have it, comes from `base64ToHex`. */
export function md5Base64(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("md5").update(bytes).digest("base64")
}

/** @throws RangeError when `hex` is not whole bytes of hexadecimal digits */
export function hexToBase64(hex: string): string {
  if (!/^(?:[0-9a-f]{2})*$/i.test(hex)) throw new RangeError(`not hexadecimal: ${JSON.stringify(hex)}`)
  return Buffer.from(hex, "hex").toString("base64")
}

/** Lower-case hexadecimal digits of what `base64` encodes. */
export function base64ToHex(base64: string): string {
  return Buffer.from(base64, "base64").toString("hex")
}

/** CRC32C of a file, base64 as GCS writes it. */
export async function crc32cOfFile(path: string, signal?: AbortSignal): Promise<string> {
  let value = 0
  for await (const piece of piecesOfFile(path, {}, signal)) value = crc32c(piece, value)
  return crc32cToBase64(value)
}

/** MD5 of a file or of a part of it (bytes from `start`, `end` exclusive), base64 as GCS writes it. */
export async function md5OfFile(path: string, range: FileRange = {}, signal?: AbortSignal): Promise<string> {
  const hasher = new Bun.CryptoHasher("md5")
  for await (const piece of piecesOfFile(path, range, signal)) hasher.update(piece)
  return hasher.digest("base64")
}

/** Bytes of a file from `start` (0) up to `end` (the file's end), `end` exclusive. */
export interface FileRange {
  readonly start?: number
  readonly end?: number
}

// One piece is small enough for many files at once, and large enough that hashing runs at 4.5 GB/s: a mapped
// file is faster by half, but counts as resident memory until the garbage collector lets it go.
const PIECE_BYTES = 1 << 20

/**
 * A file's bytes piece by piece, in constant memory. A piece is valid only until the next one is asked for.
 */
export async function* piecesOfFile(
  path: string,
  { start = 0, end = Number.POSITIVE_INFINITY }: FileRange = {},
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  await using file = await open(path, "r")
  const { size } = await file.stat()
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(PIECE_BYTES, size - start, end - start)))
  let at = start
  while (at < end) {
    signal?.throwIfAborted()
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - at), at)
    if (bytesRead === 0) return
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}
