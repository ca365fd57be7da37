import { base64ToHex, crc32c, crc32cToBase64 } from "../../support/checksums.ts"

/** Stored bytes with their hashes. Objects with equal bytes share one body. */
export interface Body {
  readonly size: number
  /** @throws Error for an upload whose bytes were not kept (`sink: "discard"`) */
  readonly bytes: Uint8Array
  /** Base64, as GCS writes it. */
  readonly md5: string
  readonly md5Hex: string
  /** Base64, as GCS writes it. */
  readonly crc32c: string
}

export interface Bodies {
  /** @param pieces one after the other the content; all but the last are multiples of 256 KiB long */
  intern(pieces: readonly Uint8Array[]): Body
  /** The same for content that will be read again, whatever becomes of what is uploaded. */
  keep(bytes: Uint8Array): Body
}

/**
 * Keeps every distinct content once, so that MD5 (430 MB/s) and CRC32C are computed once per content, however
 * often it is uploaded: a benchmark then measures its client and not this server's hashing. Contents are
 * found by a fast 64-bit digest and compared byte by byte before they are taken for equal, so a checksum is
 * never answered for bytes that it does not belong to.
 *
 * With `discard` only size and hashes of what is uploaded are kept and the comparison is left out; two different
 * contents of one size are then mixed up with a probability of 2^-64. The MD5 of a new one above a mebibyte is made up.
 */
export function openBodies({ discard = false } = {}): Bodies {
  return discard ? hashesOnly() : sharedBodies()
}

/** A body whose bytes rotted: one bit differs, the hashes are those of the bytes that were stored. */
export function rotten(body: Body): Body {
  return { ...body, bytes: withFlippedBit(body.bytes) }
}

export function withFlippedBit(bytes: Uint8Array): Uint8Array {
  // Not `slice`: a Buffer's is no copy, and every object of the same content would rot with it.
  const copy = new Uint8Array(bytes)
  const at = copy.length >> 1
  if (copy.length > 0) copy[at] = copy[at]! ^ 1
  return copy
}

function sharedBodies(): Bodies {
  const kept = new Map<string, WeakRef<Body>>()
  const forgotten = new FinalizationRegistry<string>((id) => {
    if (kept.get(id)?.deref() === undefined) kept.delete(id)
  })
  const intern = (pieces: readonly Uint8Array[]) => {
    const id = digest(pieces)
    const known = kept.get(id)?.deref()
    if (known !== undefined && isMadeOf(known.bytes, pieces)) return known
    const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
    const body = { ...hashes([bytes]), bytes }
    kept.set(id, new WeakRef(body))
    forgotten.register(body, id)
    return body
  }
  return { intern, keep: (bytes) => intern([bytes]) }
}

function hashesOnly(): Bodies {
  const known = new Map<string, Body>()
  return {
    intern(pieces) {
      const id = digest(pieces)
      const body =
        known.get(id) ?? withoutBytes(sizeOf(pieces) > MEBIBYTE ? quickHashes(pieces, id) : hashes(pieces))
      known.set(id, body)
      return body
    },
    keep(bytes) {
      const body = { ...hashes([bytes]), bytes }
      known.set(digest([bytes]), body)
      return body
    },
  }
}

const BLOCK = 256 * 1024

/** The same for the same content, however it is cut into pieces. */
function digest(pieces: readonly Uint8Array[]): string {
  let hash = 0n
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += BLOCK)
      hash = Bun.hash.xxHash3(piece.subarray(at, at + BLOCK), hash)
  }
  return `${sizeOf(pieces)}:${hash}`
}

function isMadeOf(bytes: Uint8Array, pieces: readonly Uint8Array[]): boolean {
  let at = 0
  for (const piece of pieces) {
    if (Buffer.compare(bytes.subarray(at, at + piece.length), piece) !== 0) return false
    at += piece.length
  }
  return at === bytes.length
}

function hashes(pieces: readonly Uint8Array[]): Omit<Body, "bytes"> {
  const hasher = new Bun.CryptoHasher("md5")
  let crc = 0
  for (const piece of pieces) {
    hasher.update(piece)
    crc = crc32c(piece, crc)
  }
  const md5 = hasher.digest("base64")
  return { size: sizeOf(pieces), md5, md5Hex: base64ToHex(md5), crc32c: crc32cToBase64(crc) }
}

const MEBIBYTE = 2 ** 20

/** The MD5 of a digest in place of that of the bytes. */
function quickHashes(pieces: readonly Uint8Array[], id: string): Omit<Body, "bytes"> {
  const crc = pieces.reduce((crc, piece) => crc32c(piece, crc), 0)
  return { ...hashes([new TextEncoder().encode(id)]), size: sizeOf(pieces), crc32c: crc32cToBase64(crc) }
}

function sizeOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((size, piece) => size + piece.length, 0)
}

function withoutBytes(body: Omit<Body, "bytes">): Body {
  return {
    ...body,
    get bytes(): Uint8Array {
      throw new Error("this server was started to discard the bytes of its objects")
    },
  }
}
