import { open } from "node:fs/promises"
import type { ByteView } from "../view.ts"
import { asFileError } from "./file-bytes.ts"

const PIECE_BYTES = 2 ** 20

/** Writes all bytes of a view into a new file, piece by piece. */
export async function copyView(view: ByteView, path: string, signal?: AbortSignal): Promise<void> {
  try {
    await using file = await open(path, "wx")
    for (let at = 0; at < view.size; at += PIECE_BYTES) {
      const piece = await view.range(at, Math.min(view.size, at + PIECE_BYTES), signal)
      await file.writeFile(piece)
    }
  } catch (cause) {
    throw asFileError(path, cause)
  }
}
