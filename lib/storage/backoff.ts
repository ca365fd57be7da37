import pRetry from "p-retry"
import { delay } from "../support/clock.ts"
import { Unavailable } from "./errors.ts"
import { abortReason } from "./failures.ts"

/** How often and after which waits a call is repeated. */
export interface RetryPolicy {
  /** Tries after the first one. */
  readonly retries: number
  /** The longest first wait; each later one may be twice as long as the one before. */
  readonly minTimeoutMs: number
  readonly maxTimeoutMs: number
}

export const DEFAULT_RETRY: RetryPolicy = { retries: 5, minTimeoutMs: 500, maxTimeoutMs: 30_000 }

/** Who asks for more than this is not waited for: the caller has other work, and comes back another time. */
const LONGEST_WAIT_MS = 120_000

export interface Retrying {
  readonly error: Unavailable
  /** Of the try that failed, from 1. */
  readonly attempt: number
  readonly delayMs: number
}

export interface BackOffHooks {
  readonly onRetry?: (retrying: Retrying) => void
  /** Asked after each failed try: true when it got something done, so that it does not count. */
  readonly forgive?: () => boolean
}

/**
 * Calls `work` until it succeeds, fails with anything but `Unavailable`, or has been repeated as often as the policy
 * allows. Waits a random part of an exponentially growing time ("full jitter", so that many who failed together do not
 * come back together), and at least as long as the service asked for (`Retry-After`).
 */
export async function backOff<T>(
  work: (attempt: number) => Promise<T>,
  policy: RetryPolicy,
  hooks: BackOffHooks = {},
  signal?: AbortSignal,
): Promise<T> {
  try {
    return await work(1)
  } catch (failure) {
    const goOn = (attempt: number) => (attempt === 1 ? Promise.reject(failure) : work(attempt))
    return pRetry(goOn, {
      retries: policy.retries,
      // The waiting is done below: the library's own jitter never waits less than the whole time.
      minTimeout: 0,
      shouldConsumeRetry: () => hooks.forgive?.() !== true,
      shouldRetry: async ({ error, attemptNumber, retriesConsumed }) => {
        if (signal?.aborted || !(error instanceof Unavailable)) return false
        const delayMs = waitFor(error, retriesConsumed, policy)
        if (delayMs > LONGEST_WAIT_MS) return false
        hooks.onRetry?.({ error, attempt: attemptNumber, delayMs })
        await waitUnlessAborted(delayMs, signal)
        return true
      },
    })
  }
}

async function waitUnlessAborted(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, signal)
  } catch (cause) {
    throw signal?.aborted ? abortReason(signal) : cause
  }
}

function waitFor({ retryAfterMs = 0 }: Unavailable, retriesConsumed: number, policy: RetryPolicy): number {
  const ceiling = Math.min(policy.maxTimeoutMs, policy.minTimeoutMs * 2 ** retriesConsumed)
  return retryAfterMs + Math.random() * ceiling
}
