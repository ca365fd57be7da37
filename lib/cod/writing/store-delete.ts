import { NotFound, PreconditionFailed } from "../../storage/errors.ts"
import type { Generation, ObjectStore } from "../../storage/store.ts"

/**
 * Sees to it that an object is gone of which this generation was seen. That it is gone already is no failure.
 * @throws PreconditionFailed when another generation stands there: it stays; and as `ObjectStore.delete`
 */
export async function deleteObject(
  store: ObjectStore,
  key: string,
  generation: Generation,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await store.delete(key, { ifGeneration: generation }, signal)
  } catch (error) {
    if (!(error instanceof NotFound)) throw error
    // GCS says the same of a generation that was exchanged.
    if ((await store.head(key, signal)) === undefined) return
    throw new PreconditionFailed(`${store.uri}/${key}: another generation stands there`, error.facts, error)
  }
}
