import { LockVerificationError } from "../errors.ts"
import { describeHeld, leftBehind } from "./refusal.ts"
import type { SeriesLock } from "./types.ts"

/** Longer than any store that answers at all takes for it. */
const GIVE_BACK_MS = 30_000

/**
 * Releases a lock after a failure, which is what has to be told; a lock that stays is told with it.
 * @throws LocksLeftBehindError
 */
export async function giveBackLock(lock: SeriesLock, seriesUri: string, failure: unknown): Promise<void> {
  try {
    await lock.release(AbortSignal.timeout(GIVE_BACK_MS))
  } catch (error) {
    // One that is gone already is not left.
    if (error instanceof LockVerificationError) return
    throw leftBehind(seriesUri, lock.token, lock.held.map(describeHeld), failure)
  }
}
