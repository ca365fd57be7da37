import { setTimeout } from "node:timers/promises"

/** Where time comes from, passed in wherever it decides something, so that a test can be its own clock. */
export interface Clock {
  now(): Date
  /** Resolves `ms` later; rejects with the signal's reason as soon as the signal aborts. */
  delay(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = { now: () => new Date(), delay }

/** Sleeps for `ms` milliseconds; rejects with the signal's reason as soon as the signal aborts. */
export async function delay(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, signal === undefined ? {} : { signal })
  } catch (cause) {
    signal?.throwIfAborted()
    throw cause
  }
}
