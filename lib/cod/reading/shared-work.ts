import { abortReason } from "../../storage/failures.ts"

/** Work that many may wait for at once, each as long as it likes. */
export interface SharedWork<T> {
  /**
   * The result of the work that is under way under this name, or else of `work`, begun now. It is aborted when nobody
   * waits for it any more. Rejects with the signal's reason without disturbing the others.
   */
  join(name: string, work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T>
}

export function sharedWork<T>(): SharedWork<T> {
  const underWay = new Map<
    string,
    { readonly result: Promise<T>; readonly abort: AbortController; waiting: number }
  >()

  const begin = (name: string, work: (signal: AbortSignal) => Promise<T>) => {
    const abort = new AbortController()
    const result = work(abort.signal)
    const begun = { result, abort, waiting: 0 }
    const forget = () => {
      if (underWay.get(name) === begun) underWay.delete(name)
    }
    underWay.set(name, begun)
    result.then(forget, forget)
    return begun
  }

  return {
    async join(name, work, signal) {
      if (signal?.aborted) throw abortReason(signal)
      const joined = underWay.get(name) ?? begin(name, work)
      joined.waiting += 1
      try {
        return await unlessAborted(joined.result, signal)
      } finally {
        joined.waiting -= 1
        if (joined.waiting === 0) {
          // Whoever comes from now on must not join what is being given up.
          if (underWay.get(name) === joined) underWay.delete(name)
          joined.abort.abort()
        }
      }
    },
  }
}

async function unlessAborted<T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await result
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(abortReason(signal))
  signal.addEventListener("abort", onAbort, { once: true })
  try {
    return await Promise.race([result, aborted])
  } finally {
    signal.removeEventListener("abort", onAbort)
  }
}
