import { ChecksumMismatch } from "../../storage/errors.ts"
import type { ByteView } from "../view.ts"
import { collectInFile } from "./collect.ts"
import { copyView } from "./copy-view.ts"
import type { Scratch } from "./scratch.ts"
import { locateObject, type StoreChoice } from "./store-of.ts"

/**
 * Brings an object of a store into a temporary file.
 * @returns the file's path
 * @throws ChecksumMismatch when the bytes that came are not those that the store has; NotFound, TooLarge, Unavailable
 */
export async function fetchObject(
  uri: string,
  choice: StoreChoice,
  scratch: Scratch,
  signal?: AbortSignal,
): Promise<string> {
  using object = locateObject(uri, choice)
  return await inNewFile(scratch, async (path) => {
    const admit = (bytes: number) => scratch.reserve(path, bytes)
    const { info, crc32c } = await collectInFile(object, {}, path, signal, admit)
    if (info.crc32c !== undefined && info.crc32c !== crc32c) {
      const facts = { uri, want: info.crc32c, got: crc32c }
      throw new ChecksumMismatch(`${uri}: what arrived is not what is stored`, facts)
    }
  })
}

/** The same for bytes that are open already. */
export async function fetchView(view: ByteView, scratch: Scratch, signal?: AbortSignal): Promise<string> {
  return await inNewFile(scratch, async (path) => {
    scratch.reserve(path, view.size)
    await copyView(view, path, signal)
  })
}

async function inNewFile(scratch: Scratch, write: (path: string) => Promise<void>): Promise<string> {
  const path = scratch.newFile("instance.dcm")
  try {
    await write(path)
    return path
  } catch (error) {
    scratch.remove(path)
    throw error
  }
}
