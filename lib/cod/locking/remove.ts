import { NotFound, PreconditionFailed } from "../../storage/errors.ts"
import type { ObjectStore } from "../../storage/store.ts"
import type { HeldLock } from "./types.ts"

/**
 * Sees to it that this generation of a lock is there no more; another one stays. That it was gone already is no failure:
 * the answer to an earlier try may have been lost.
 * @throws StorageError
 */
export async function deleteLock(
  store: ObjectStore,
  { key, generation }: Pick<HeldLock, "key" | "generation">,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await store.delete(key, { ifGeneration: generation }, signal)
  } catch (error) {
    if (!(error instanceof NotFound || error instanceof PreconditionFailed)) throw error
  }
}
