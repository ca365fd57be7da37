import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { UsageError } from "../../support/errors.ts"
import { CODError, TooLarge } from "../format/errors.ts"

/** Bytes that the temporary files of one series or instance may have together. */
export const DEFAULT_TEMP_BYTES = 64 * 2 ** 30

export interface ScratchOptions {
  /** Folder in which a folder of our own is made (the system's for temporary files). It itself is never deleted. */
  readonly tempDir?: string | undefined
  /** Bytes that all files in it may have together. */
  readonly maxTempBytes?: number | undefined
}

/** A folder for temporary files, made when the first one is, and gone with all of them when it is disposed of, for good. */
export interface Scratch extends Disposable {
  /** Path of a file that is about to be written. @throws UsageError once it is disposed of, CODError */
  newFile(name: string): string
  /** So many bytes more are about to be written to it. @throws TooLarge when there is no room for them */
  reserve(path: string, bytes: number): void
  /** Deletes a file that is needed no more, and gives back its room. */
  remove(path: string): void
  /** Deletes all files and their folder; the next file makes another one. */
  clear(): void
}

export function openScratch(options: ScratchOptions): Scratch {
  const { tempDir = tmpdir(), maxTempBytes = DEFAULT_TEMP_BYTES } = options
  const sizes = new Map<string, number>()
  let folder: string | undefined
  let count = 0
  let used = 0
  let isOpen = true
  const clear = () => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    folder = undefined
    used = 0
    sizes.clear()
  }
  return {
    clear,
    newFile(name) {
      if (!isOpen) throw new UsageError("no temporary file is made for what was disposed of")
      folder ??= newFolder(tempDir)
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
      isOpen = false
      clear()
    },
  }
}

function newFolder(within: string): string {
  try {
    return mkdtempSync(join(within, "cod-"))
  } catch (cause) {
    const { code = "unknown" } = cause as NodeJS.ErrnoException
    throw new CODError(`no temporary files can be made in ${within}: ${code}`, {
      facts: { folder: within, code },
      hint: "Say tempDir: a folder that is there, may be written to, and has room.",
      cause,
    })
  }
}
