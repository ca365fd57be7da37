import { AccessDenied, NotFound } from "../../storage/errors.ts"
import type { ObjectInfo } from "../../storage/store.ts"
import { bytesOfRange, type StoredObject } from "./object-bytes.ts"

/**
 * Looks for an object that a series may have: a lock, a log, a thumbnail. Who may read but not list is refused what is
 * not there (S3 and GCS say 403 instead of 404), so that a refusal counts as absence: what is there may be read.
 */
export async function lookFor(
  { source, key }: StoredObject,
  signal?: AbortSignal,
): Promise<ObjectInfo | undefined> {
  try {
    return await source.head(key, signal)
  } catch (error) {
    if (error instanceof AccessDenied) return undefined
    throw error
  }
}

/**
 * The same for a tar, by its first byte: a store of files reads the whole of a file that others put there to tell its
 * CRC32C, and a tar may have 30 GB.
 */
export async function lookForTar(
  { tar }: { readonly tar: StoredObject },
  signal?: AbortSignal,
): Promise<ObjectInfo | undefined> {
  try {
    return (await bytesOfRange(tar, { start: 0, end: 1 }, undefined, signal)).info
  } catch (error) {
    if (error instanceof AccessDenied || error instanceof NotFound) return undefined
    throw error
  }
}
