import { writeFile } from "node:fs/promises"
import { abortReason } from "../../storage/failures.ts"
import { asFileError } from "../reading/file-bytes.ts"
import type { Scratch } from "../reading/scratch.ts"
import { bytesPiece, filePiece, type Piece } from "./pieces.ts"

/** Keeps the bytes of new instances until they are stored: small ones in memory, the others in temporary files. */
export interface Holding {
  /** @param bytes not to be changed any more @throws TooLarge when there is no room for them, CODError */
  hold(bytes: Uint8Array, crc32c: string, signal?: AbortSignal): Promise<Piece>
  /** Lets go of all others. */
  keepOnly(pieces: Iterable<Piece>): void
}

/** Up to here a file is held in memory, as long as there is room for it. */
const SMALL_BYTES = 1 << 20

/** What all files that are held in memory may have together. */
const MEMORY_BYTES = 64 << 20

export function openHolding(scratch: Scratch): Holding {
  /** The file that each is in; none for those in memory. */
  const held = new Map<Piece, string | undefined>()
  let inMemory = 0

  const intoFile = async (bytes: Uint8Array, crc32c: string, signal?: AbortSignal) => {
    const path = scratch.newFile("instance.dcm")
    try {
      scratch.reserve(path, bytes.length)
      await writeFile(path, bytes, { flag: "wx", ...(signal && { signal }) })
    } catch (cause) {
      scratch.remove(path)
      throw signal?.aborted === true ? abortReason(signal) : asFileError(path, cause)
    }
    const piece = filePiece(path, bytes.length, crc32c)
    held.set(piece, path)
    return piece
  }

  return {
    async hold(bytes, crc32c, signal) {
      const isSmall = bytes.length <= SMALL_BYTES && inMemory + bytes.length <= MEMORY_BYTES
      if (!isSmall) return await intoFile(bytes, crc32c, signal)
      const piece = bytesPiece(bytes, crc32c)
      inMemory += bytes.length
      held.set(piece, undefined)
      return piece
    },

    keepOnly(pieces) {
      const kept = new Set(pieces)
      for (const [piece, path] of held) {
        if (kept.has(piece)) continue
        if (path === undefined) inMemory -= piece.size
        else scratch.remove(path)
        held.delete(piece)
      }
    },
  }
}
