import { AccessDenied } from "../../storage/errors.ts"
import type { ObjectInfo } from "../../storage/store.ts"
import type { StoredObject } from "./object-bytes.ts"

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
