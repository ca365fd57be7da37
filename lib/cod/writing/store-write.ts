import { PreconditionFailed } from "../../storage/errors.ts"
import type { ObjectInfo, ObjectStore, UploadBody, WriteOptions } from "../../storage/store.ts"
import { sizeOfBody } from "../../storage/upload-parts.ts"
import { StoredDiffersError } from "../errors.ts"

/**
 * Writes an object under its precondition. A refusal may be the answer to a repetition of a write whose answer was lost:
 * when what stands there now is what was to be written, it was ours. What the store says of the object that it made is held
 * against what was sent.
 * @throws PreconditionFailed when somebody else wrote it, StoredDiffersError, and as `ObjectStore.write`
 */
export async function writeObject(
  store: ObjectStore,
  key: string,
  body: UploadBody,
  options: WriteOptions & { readonly crc32c: string },
  signal?: AbortSignal,
): Promise<ObjectInfo> {
  try {
    return asSent(store, await store.write(key, body, options, signal), body, options)
  } catch (error) {
    if (!(error instanceof PreconditionFailed)) throw error
    const found = await store.head(key, signal)
    const isOurs = found?.crc32c === options.crc32c && found.size === sizeOfBody(body)
    if (found === undefined || !isOurs || found.generation === options.ifGeneration) throw error
    return found
  }
}

/** A store that tells no CRC32C has refused what did not have the one that was named. */
function asSent(
  store: ObjectStore,
  written: ObjectInfo,
  body: UploadBody,
  { crc32c }: { readonly crc32c: string },
): ObjectInfo {
  const wanted = { size: sizeOfBody(body), crc32c }
  const found = { size: written.size, crc32c: written.crc32c ?? crc32c }
  if (found.size === wanted.size && found.crc32c === wanted.crc32c) return written
  throw new StoredDiffersError(`${store.uri}/${written.key}`, wanted, found)
}
