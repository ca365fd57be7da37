import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TooLarge } from "../format/errors.ts"

/** Bytes that the temporary files of one series or instance may have together. */
export const DEFAULT_TEMP_BYTES = 64 * 2 ** 30

export interface ScratchOptions {
  /** Folder in which a folder of our own is made (the system's for temporary files). It itself is never deleted. */
  readonly tempDir?: string | undefined
  /** Bytes that all files in it may have together. */
  readonly maxTempBytes?: number | undefined
}

/** A folder for temporary files, made when the first one is, and gone with all of them when it is disposed of. */
export interface Scratch extends Disposable {
  /** Path of a file that is about to be written. */
  newFile(name: string): string
  /** So many bytes more are about to be written to it. @throws TooLarge when there is no room for them */
  reserve(path: string, bytes: number): void
  /** Deletes a file that is needed no more, and gives back its room. */
  remove(path: string): void
}

export function openScratch(options: ScratchOptions): Scratch {
  const { tempDir = tmpdir(), maxTempBytes = DEFAULT_TEMP_BYTES } = options
  const sizes = new Map<string, number>()
  let folder: string | undefined
  let count = 0
  let used = 0
  return {
    newFile(name) {
      folder ??= mkdtempSync(join(tempDir, "cod-"))
      count += 1
      // Keys are safe as one segment, but may be alike to a file system that ignores case.
      return join(folder, `${count}-${name.slice(-200)}`)
    },
    reserve(path, bytes) {
      if (used + bytes > maxTempBytes) throw new TooLarge("what is kept in temporary files", maxTempBytes)
      used += bytes
      sizes.set(path, (sizes.get(path) ?? 0) + bytes)
    },
    remove(path) {
      rmSync(path, { force: true })
      used -= sizes.get(path) ?? 0
      sizes.delete(path)
    },
    [Symbol.dispose]() {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
      folder = undefined
      used = 0
      sizes.clear()
    },
  }
}
