import type { Generation, UploadParts } from "../../storage/store.ts"
import { crc32cBase64, crc32cCombine, EMPTY_CRC32C } from "../../support/checksums.ts"
import { CorruptInstanceError } from "../errors.ts"
import { openFileBytes } from "../reading/file-bytes.ts"
import { bytesOfRange, nameOf, type StoredObject } from "../reading/object-bytes.ts"

/** Bytes whose checksum is known before they are read: what an object that is to be uploaded consists of. */
export interface Piece extends UploadParts {
  /** Base64 of the big-endian CRC32C. */
  readonly crc32c: string
}

export function bytesPiece(bytes: Uint8Array, crc32c = crc32cBase64(bytes)): Piece {
  return { size: bytes.length, crc32c, read: async (start, end) => bytes.subarray(start, end) }
}

/** A whole local file, opened for each read: many of them do not hold as many descriptors. */
export function filePiece(path: string, size: number, crc32c: string): Piece {
  return {
    size,
    crc32c,
    async read(start, end, signal) {
      using file = openFileBytes(path)
      return await file.read(start, end, signal)
    },
  }
}

/** A range of an object that is stored, in the generation that was looked at. */
export function storedPiece(
  object: StoredObject,
  generation: Generation,
  { start, end }: { readonly start: number; readonly end: number },
  crc32c: string,
): Piece {
  return {
    size: end - start,
    crc32c,
    async read(from, to, signal) {
      const range = { start: start + from, end: start + to }
      const { bytes } = await bytesOfRange(object, range, generation, signal)
      if (bytes.length === to - from) return bytes
      const facts = { uri: nameOf(object), generation, start: range.start, end: range.end }
      throw new CorruptInstanceError(`${nameOf(object)} ends before byte ${range.end}`, facts)
    },
  }
}

/** Pieces one behind the other. */
export function joinPieces(pieces: readonly Piece[]): Piece {
  const placed = pieces.filter(({ size }) => size > 0).map((piece) => ({ piece, start: 0 }))
  let size = 0
  let crc32c = EMPTY_CRC32C
  for (const each of placed) {
    each.start = size
    size += each.piece.size
    crc32c = crc32cCombine(crc32c, each.piece.crc32c, each.piece.size)
  }
  return {
    size,
    crc32c,
    async read(start, end, signal) {
      const bytes = new Uint8Array(end - start)
      for (let n = indexAt(placed, start); n < placed.length; n += 1) {
        const { piece, start: from } = placed[n]!
        if (from >= end) break
        const part = await piece.read(Math.max(0, start - from), Math.min(piece.size, end - from), signal)
        bytes.set(part, Math.max(0, from - start))
      }
      return bytes
    },
  }
}

/** Of the last one that begins at or before `position`; they stand in order, and there may be many thousands. */
function indexAt(placed: readonly { readonly start: number }[], position: number): number {
  let low = 0
  let high = placed.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (placed[middle]!.start <= position) low = middle
    else high = middle
  }
  return low
}
