import { delay } from "../support/clock.ts"
import { DatabaseUnreachable, SnapshotLost } from "./errors.ts"

/** How often a question is asked again, and after which waits. */
export interface RetryPolicy {
  /** Tries after the first one. */
  readonly retries: number
  /** The longest first wait; each later one may be twice as long as the one before. */
  readonly minTimeoutMs: number
}

export interface Retrying {
  readonly error: DatabaseUnreachable | SnapshotLost
  /** Of the try that failed, from 1. */
  readonly attempt: number
  readonly delayMs: number
}

/**
 * Asks again when the connection broke or a standby gave the snapshot up. Not after a timeout: a database
 * that has too much to do already is not helped by it.
 */
export async function retrying<T>(
  ask: () => Promise<T>,
  policy: RetryPolicy,
  onRetry: (retrying: Retrying) => void,
  signal?: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      const passing = error instanceof DatabaseUnreachable || error instanceof SnapshotLost
      if (!passing || attempt > policy.retries) throw error
      const delayMs = policy.minTimeoutMs * 2 ** (attempt - 1) * (0.5 + Math.random() / 2)
      onRetry({ error, attempt, delayMs })
      await delay(delayMs, signal)
    }
  }
}
