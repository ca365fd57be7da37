import { linkedAbort, onAbort } from "../support/abort.ts"
import { Unavailable } from "./errors.ts"
import { type Asked, describe } from "./failures.ts"

/** How long a service may stay silent before a call is given up, where the caller says nothing else. */
export const DEFAULT_STALL_MS = 30_000

export interface Patience extends Disposable {
  /** Follows the caller's, and aborts with `Unavailable` when the time is up. */
  readonly signal: AbortSignal
}

/** Waits `stallMs` for an answer, unless it is disposed of before. */
export function untilSilent(asked: Asked, stallMs: number, signal?: AbortSignal): Patience {
  const silent = linkedAbort(signal)
  const timer = setTimeout(() => silent.abort(silence(asked, stallMs)), stallMs)
  return {
    signal: silent.signal,
    [Symbol.dispose]() {
      clearTimeout(timer)
      silent[Symbol.dispose]()
    },
  }
}

/**
 * Waits that long for something that knows no signals. When it is given up it is left alone, and must end by itself.
 * Rejects with what `work` rejected with, with `Unavailable`, or with the reason of `signal`.
 */
export async function inTime<T>(
  asked: Asked,
  work: () => Promise<T>,
  stallMs: number,
  signal?: AbortSignal,
): Promise<T> {
  signal?.throwIfAborted()
  const { promise: givenUp, reject } = Promise.withResolvers<never>()
  using _ = signal && onAbort(signal, () => reject(signal.reason))
  const timer = setTimeout(() => reject(silence(asked, stallMs)), stallMs)
  try {
    return await Promise.race([work(), givenUp])
  } finally {
    clearTimeout(timer)
  }
}

function silence(asked: Asked, stallMs: number): Unavailable {
  const { store, key } = asked
  return new Unavailable(`${describe(asked)}: no answer for ${stallMs / 1000} s`, { store, key })
}
