import { base64ToHex, crc32cBase64, md5Base64 } from "../../support/checksums.ts"

/** Stored bytes with their hashes. Objects with equal bytes share one body. */
export interface Body {
  readonly size: number
  /** @throws Error when the server keeps no bytes (`sink: "discard"`) */
  readonly bytes: Uint8Array
  /** Base64, as GCS writes it. */
  readonly md5: string
  readonly md5Hex: string
  /** Base64, as GCS writes it. */
  readonly crc32c: string
}

export interface Bodies {
  intern(bytes: Uint8Array): Body
}

/**
 * Keeps every distinct content once, so that MD5 (430 MB/s) and CRC32C are computed once per content, however often
 * it is uploaded: a benchmark then measures its client and not this server's hashing. Contents are found by a fast
 * 64-bit digest and compared byte by byte before they are taken for equal, so a checksum is never answered for bytes
 * that it does not belong to.
 *
 * With `discard` only size and hashes are kept and the comparison is left out; two different contents of one size
 * are then mixed up with a probability of 2^-64.
 */
export function openBodies({ discard = false } = {}): Bodies {
  const kept = new Map<string, WeakRef<Body>>()
  const forgotten = new FinalizationRegistry<string>((id) => {
    if (kept.get(id)?.deref() === undefined) kept.delete(id)
  })
  const hashesOnly = new Map<string, Body>()

  return {
    intern(bytes) {
      const id = `${bytes.byteLength}:${Bun.hash.xxHash3(bytes)}`
      if (discard) {
        const known = hashesOnly.get(id)
        if (known !== undefined) return known
        const body = withoutBytes(bytes)
        hashesOnly.set(id, body)
        return body
      }
      const known = kept.get(id)?.deref()
      if (known !== undefined && Buffer.compare(known.bytes, bytes) === 0) return known
      const body = hashed(bytes)
      kept.set(id, new WeakRef(body))
      forgotten.register(body, id)
      return body
    },
  }
}

/** A body whose bytes rotted: one bit differs, the hashes are those of the bytes that were stored. */
export function rotten(body: Body): Body {
  return { ...body, bytes: withFlippedBit(body.bytes) }
}

export function withFlippedBit(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice()
  const at = copy.length >> 1
  if (copy.length > 0) copy[at] = copy[at]! ^ 1
  return copy
}

function hashed(bytes: Uint8Array): Body {
  const md5 = md5Base64(bytes)
  return { size: bytes.byteLength, bytes, md5, md5Hex: base64ToHex(md5), crc32c: crc32cBase64(bytes) }
}

function withoutBytes(bytes: Uint8Array): Body {
  const { size, md5, md5Hex, crc32c } = hashed(bytes)
  return {
    size,
    md5,
    md5Hex,
    crc32c,
    get bytes(): Uint8Array {
      throw new Error("this server was started to discard the bytes of its objects")
    },
  }
}
