import { AccessDenied, NotFound, PreconditionFailed } from "../../storage/errors.ts"
import type { ObjectStore } from "../../storage/store.ts"
import { crc32cBase64 } from "../../support/checksums.ts"
import { ErrorLogExistsError } from "../errors.ts"
import { wholeObject } from "../reading/object-bytes.ts"
import type { Series } from "../reading/series.ts"
import { deleteObject } from "./store-delete.ts"

/** A log is a text for people. */
const MAX_BYTES = 16 << 20

/**
 * Declares what is stored of a series to be in doubt. From now on nobody opens it to write, and the Python package does not
 * open it at all, until the log is cleared.
 * @throws ErrorLogExistsError when there is one: it stays as it is; StorageError
 */
export async function uploadErrorLog(
  series: Series,
  store: ObjectStore,
  message: string,
  signal?: AbortSignal,
): Promise<void> {
  const { key } = series.object("errorLog")
  const bytes = Buffer.from(message)
  const options = { ifGeneration: "absent", crc32c: crc32cBase64(bytes), contentType: "text/plain" } as const
  try {
    await store.write(key, bytes, options, signal)
  } catch (error) {
    if (error instanceof PreconditionFailed) throw new ErrorLogExistsError(series.uri, error)
    throw error
  }
}

/** What somebody wrote of the series; undefined when there is no log. @throws TooLarge beyond 16 MiB, StorageError */
export async function readErrorLog(series: Series, signal?: AbortSignal): Promise<string | undefined> {
  try {
    const { bytes } = await wholeObject(series.object("errorLog"), MAX_BYTES, signal)
    return Buffer.from(bytes).toString()
  } catch (error) {
    // Who may not list is refused what is not there.
    if (error instanceof NotFound || error instanceof AccessDenied) return undefined
    throw error
  }
}

/**
 * Deletes the log, so that the series can be written again.
 * @returns whether there was one
 * @throws PreconditionFailed when it was exchanged meanwhile; StorageError
 */
export async function clearErrorLog(
  series: Series,
  store: ObjectStore,
  signal?: AbortSignal,
): Promise<boolean> {
  const { key } = series.object("errorLog")
  const log = await store.head(key, signal)
  if (log === undefined) return false
  await deleteObject(store, key, log.generation, signal)
  return true
}
