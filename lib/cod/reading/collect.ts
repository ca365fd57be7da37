import { type FileHandle, open } from "node:fs/promises"
import type { ByteRange, ObjectInfo } from "../../storage/store.ts"
import { crc32c, crc32cToBase64 } from "../../support/checksums.ts"
import { inMemory, type RandomAccess } from "../format/bytes.ts"
import { asFileError, openFileBytes } from "./file-bytes.ts"
import { bytesOfRange, pipeObject, type StoredObject, type Wanted } from "./object-bytes.ts"
import type { Scratch } from "./scratch.ts"

/** Bytes that were read from a store, in memory or in a temporary file that goes when this is disposed of. */
export interface Collected extends Disposable {
  readonly bytes: RandomAccess
  /** Base64 of the big-endian CRC32C. */
  readonly crc32c: string
  /** Of the object that they are from. */
  readonly info: ObjectInfo
}

export type WantedRange = Wanted & { readonly range: Required<ByteRange> }

/** What is larger is not held in memory but in a file. */
const MEMORY_BYTES = 64 * 2 ** 20

/**
 * Reads a range of an object, cut at the object's end, wherever there is room for it.
 * @param name of the temporary file, if one is made
 * @throws NotFound, PreconditionFailed, Unavailable, TooLarge
 */
export async function collect(
  object: StoredObject,
  wanted: WantedRange,
  scratch: Scratch,
  name: string,
  signal?: AbortSignal,
): Promise<Collected> {
  const size = wanted.range.end - wanted.range.start
  if (size <= MEMORY_BYTES) return await collectInMemory(object, wanted, signal)
  const path = scratch.newFile(name)
  try {
    scratch.reserve(path, size)
    const { info, crc32c } = await collectInFile(object, wanted, path, signal)
    const bytes = openFileBytes(path)
    const discard = () => {
      bytes[Symbol.dispose]()
      scratch.remove(path)
    }
    return { info, crc32c, bytes, [Symbol.dispose]: discard }
  } catch (error) {
    scratch.remove(path)
    throw error
  }
}

/**
 * Writes an object, or a range of it, into a new file. What it had written stays when it fails.
 * @param admit is told of bytes that are about to be written, and throws when they may not be
 */
export async function collectInFile(
  object: StoredObject,
  wanted: Wanted,
  path: string,
  signal?: AbortSignal,
  admit: (bytes: number) => void = () => {},
): Promise<{ readonly info: ObjectInfo; readonly crc32c: string; readonly size: number }> {
  await using file = await created(path)
  let checksum = 0
  let size = 0
  const sink = async (chunk: Uint8Array) => {
    admit(chunk.length)
    checksum = crc32c(chunk, checksum)
    await writeAll(file, chunk, size).catch((cause) => Promise.reject(asFileError(path, cause)))
    size += chunk.length
  }
  const info = await pipeObject(object, wanted, sink, signal)
  return { info, crc32c: crc32cToBase64(checksum), size }
}

async function collectInMemory(
  object: StoredObject,
  { range, ifGeneration }: WantedRange,
  signal: AbortSignal | undefined,
): Promise<Collected> {
  const { info, bytes } = await bytesOfRange(object, range, ifGeneration, signal)
  const checksum = crc32cToBase64(crc32c(bytes))
  return { info, crc32c: checksum, bytes: inMemory(bytes), [Symbol.dispose]() {} }
}

async function created(path: string): Promise<FileHandle> {
  try {
    return await open(path, "wx")
  } catch (cause) {
    throw asFileError(path, cause)
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at)
    at += bytesWritten
  }
}
