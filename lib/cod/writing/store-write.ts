import { PreconditionFailed } from "../../storage/errors.ts"
import type { ObjectInfo, ObjectStore, UploadBody, WriteOptions } from "../../storage/store.ts"
import { sizeOfBody } from "../../storage/upload-parts.ts"

/**
 * Writes an object under its precondition. A refusal may be the answer to a repetition of a write whose answer was lost:
 * when what stands there now is what was to be written, it was ours.
 * @throws PreconditionFailed when somebody else wrote it, and as `ObjectStore.write`
 */
export async function writeObject(
  store: ObjectStore,
  key: string,
  body: UploadBody,
  options: WriteOptions & { readonly crc32c: string },
  signal?: AbortSignal,
): Promise<ObjectInfo> {
  try {
    return await store.write(key, body, options, signal)
  } catch (error) {
    if (!(error instanceof PreconditionFailed)) throw error
    const found = await store.head(key, signal)
    const isOurs = found?.crc32c === options.crc32c && found.size === sizeOfBody(body)
    if (found === undefined || !isOurs || found.generation === options.ifGeneration) throw error
    return found
  }
}
