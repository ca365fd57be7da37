import { ChecksumMismatch } from "../../storage/errors.ts"
import type { ObjectInfo } from "../../storage/store.ts"
import { crc32cBase64 } from "../../support/checksums.ts"
import { TooLarge } from "../format/errors.ts"
import type { ByteView } from "../view.ts"
import { collectInFile } from "./collect.ts"
import { copyView } from "./copy-view.ts"
import { wholeObject } from "./object-bytes.ts"
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
    requireStored(uri, info, crc32c)
  })
}

function requireStored(uri: string, { crc32c: want }: ObjectInfo, got: string): void {
  if (want === undefined || want === got) return
  throw new ChecksumMismatch(`${uri}: what arrived is not what is stored`, { uri, want, got })
}

/**
 * The bytes of a small object and their CRC32C, without a file.
 * @returns undefined for one that is larger than `maxBytes`
 * @throws ChecksumMismatch, NotFound, Unavailable
 */
export async function fetchSmall(
  uri: string,
  choice: StoreChoice,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<{ readonly bytes: Uint8Array; readonly crc32c: string } | undefined> {
  using object = locateObject(uri, choice)
  try {
    const { info, bytes } = await wholeObject(object, maxBytes, signal)
    const crc32c = crc32cBase64(bytes)
    requireStored(uri, info, crc32c)
    return { bytes, crc32c }
  } catch (error) {
    if (error instanceof TooLarge) return undefined
    throw error
  }
}

/** The same as `fetchObject` for bytes that are open already. */
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
