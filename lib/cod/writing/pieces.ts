import type { ByteRange, Generation, ObjectInfo, UploadParts } from "../../storage/store.ts"
import { crc32cBase64, crc32cCombine, EMPTY_CRC32C } from "../../support/checksums.ts"
import { CorruptInstanceError } from "../errors.ts"
import type { RandomAccess } from "../format/bytes.ts"
import { openFileBytes } from "../reading/file-bytes.ts"
import { openForward } from "../reading/forward.ts"
import { nameOf, pipeObject, type StoredObject } from "../reading/object-bytes.ts"

/** Bytes whose checksum is known before they are read: what an object that is to be uploaded consists of. */
export interface Piece {
  readonly size: number
  /** Base64 of the big-endian CRC32C. */
  readonly crc32c: string
  /** Fills `target` with the bytes from `start` on; they are all there. */
  readInto(target: Uint8Array, start: number, signal?: AbortSignal): Promise<void>
}

export function bytesPiece(bytes: Uint8Array, crc32c = crc32cBase64(bytes)): Piece {
  return {
    size: bytes.length,
    crc32c,
    async readInto(target, start) {
      target.set(bytes.subarray(start, start + target.length))
    },
  }
}

/** Bytes that are made whenever they are read: many thousands of them take no room. */
export function madePiece(make: () => Uint8Array, made = make()): Piece {
  const [size, crc32c] = [made.length, crc32cBase64(made)]
  return {
    size,
    crc32c,
    async readInto(target, start) {
      target.set(make().subarray(start, start + target.length))
    },
  }
}

/** A whole local file, opened for each read: many of them do not hold as many descriptors. */
export function filePiece(path: string, size: number, crc32c: string): Piece {
  return {
    size,
    crc32c,
    async readInto(target, start, signal) {
      using file = openFileBytes(path)
      await file.fill(target, start, signal)
    },
  }
}

/** A range of an object that is stored, in the generation that was looked at; read forward it is one request. */
export function storedPiece(
  object: StoredObject,
  generation: Generation,
  range: Required<ByteRange>,
  crc32c: string,
): Piece {
  const bytes = openForward(object, generation, range)
  return {
    size: range.end - range.start,
    crc32c,
    async readInto(target, from, signal) {
      const length = await bytes.fill(target, range.start + from, signal)
      if (length < target.length) throw endsBefore(object, generation, range)
    },
  }
}

/** What is read at once of an object of which many ranges are wanted. */
const WINDOW_BYTES = 4 << 20

/**
 * Makes pieces of ranges of one object that are read mostly one behind the other: many that are small are one request, and
 * what lies between them comes with them.
 */
export function storedPieces(object: StoredObject, { generation, size }: ObjectInfo) {
  const window = new Uint8Array(Math.min(WINDOW_BYTES, size))
  let from = 0
  let length = 0

  const readAt = async (position: number, signal?: AbortSignal) => {
    if (position < from || position >= from + length) {
      length = 0
      const part = window.subarray(0, size - position)
      await readRange(object, generation, part, position, signal)
      from = position
      length = part.length
    }
    return window.subarray(position - from, length)
  }

  return ({ start, end }: { readonly start: number; readonly end: number }, crc32c: string): Piece => ({
    size: end - start,
    crc32c,
    async readInto(target, from, signal) {
      if (end > size) throw endsBefore(object, generation, { start, end })
      for (let done = 0; done < target.length; ) {
        const part = (await readAt(start + from + done, signal)).subarray(0, target.length - done)
        target.set(part, done)
        done += part.length
      }
    },
  })
}

async function readRange(
  object: StoredObject,
  ifGeneration: Generation,
  target: Uint8Array,
  start: number,
  signal?: AbortSignal,
): Promise<void> {
  const range = { start, end: start + target.length }
  let length = 0
  const sink = (chunk: Uint8Array) => {
    target.set(chunk, length)
    length += chunk.length
  }
  await pipeObject(object, { range, ifGeneration }, sink, signal)
  if (length < target.length) throw endsBefore(object, ifGeneration, range)
}

function endsBefore(
  object: StoredObject,
  generation: Generation,
  { start, end }: Required<ByteRange>,
): CorruptInstanceError {
  const facts = { uri: nameOf(object), generation, start, end }
  return new CorruptInstanceError(`${nameOf(object)} ends before byte ${end}`, facts)
}

/** All bytes of a piece, to be read from any place. */
export function bytesOf(piece: Piece): RandomAccess {
  return {
    size: piece.size,
    async read(start, end, signal) {
      const bytes = new Uint8Array(end - start)
      await piece.readInto(bytes, start, signal)
      return bytes
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
    async readInto(target, start, signal) {
      const end = start + target.length
      for (let n = indexAt(placed, start); n < placed.length; n += 1) {
        const { piece, start: from } = placed[n]!
        if (from >= end) break
        const at = Math.max(start, from)
        const part = target.subarray(at - start, Math.min(end, from + piece.size) - start)
        await piece.readInto(part, at - from, signal)
      }
    },
  }
}

/** What is uploaded of a piece: two buffers by turns, which is all that an upload looks at. */
export function uploadOf(piece: Piece): UploadParts {
  const buffers: Uint8Array[] = [new Uint8Array(0), new Uint8Array(0)]
  let turn = 0
  return {
    size: piece.size,
    async read(start, end, signal) {
      turn = 1 - turn
      const length = end - start
      if (buffers[turn]!.length < length) buffers[turn] = Buffer.allocUnsafeSlow(length)
      const bytes = buffers[turn]!.subarray(0, length)
      await piece.readInto(bytes, start, signal)
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
