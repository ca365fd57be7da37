/** A controller whose signal is also aborted when another one is, until it is disposed of. */
export interface LinkedAbort extends Disposable {
  readonly signal: AbortSignal
  abort(reason: unknown): void
}

/**
 * For work whose end is known. `AbortSignal.any` is for the rest: it needs no end, but costs five times as much, and a
 * listener on its signal is kept for as long as the signals it follows, for a whole night if one of them is the run's.
 */
export function linkedAbort(parent: AbortSignal | undefined): LinkedAbort {
  const own = new AbortController()
  const follow = () => own.abort(parent?.reason)
  const link = parent === undefined ? undefined : onAbort(parent, follow)
  return {
    signal: own.signal,
    abort: (reason) => own.abort(reason),
    [Symbol.dispose]: () => link?.[Symbol.dispose](),
  }
}

/** Calls `listener` once `signal` is aborted, at once if it is already, unless it is disposed of before. */
export function onAbort(signal: AbortSignal, listener: () => void): Disposable {
  if (signal.aborted) listener()
  else signal.addEventListener("abort", listener, { once: true })
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", listener) }
}

/** Resolves once it is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => void onAbort(signal, resolve))
}
