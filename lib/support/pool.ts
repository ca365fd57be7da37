import { linkedAbort } from "./abort.ts"
import { Aborted } from "./errors.ts"

/** Units of something scarce (slots, bytes), handed out in the order in which they were asked for. */
export interface Semaphore {
  /**
   * Waits until `units` (1) are free and holds them until the returned hold is disposed. Who asks for more
   * than there is at all waits until everything is free and then has it alone. Rejects with the signal's
   * reason.
   */
  acquire(units?: number, signal?: AbortSignal): Promise<Hold>
  /** Units held now. */
  readonly held: number
}

/** Held units; disposing them twice gives them back once. */
export type Hold = Disposable

export function semaphore(capacity: number): Semaphore {
  const waiting = new Set<{ units: number; admit: () => void }>()
  let free = capacity

  const hold = (units: number): Hold => {
    let given = units
    free -= units
    return {
      [Symbol.dispose]() {
        free += given
        given = 0
        admitWaiting()
      },
    }
  }

  // In order: a small request behind a large one waits, or the large one would wait for ever.
  const admitWaiting = () => {
    for (const next of waiting) {
      if (next.units > free) return
      waiting.delete(next)
      next.admit()
    }
  }

  return {
    get held() {
      return capacity - free
    },
    async acquire(wanted = 1, signal) {
      signal?.throwIfAborted()
      const units = Math.min(wanted, capacity)
      if (waiting.size === 0 && units <= free) return hold(units)
      const { promise, resolve, reject } = Promise.withResolvers<Hold>()
      const request = { units, admit: () => resolve(hold(units)) }
      const abandon = () => {
        waiting.delete(request)
        reject(signal?.reason)
        admitWaiting()
      }
      waiting.add(request)
      signal?.addEventListener("abort", abandon, { once: true })
      return promise.finally(() => signal?.removeEventListener("abort", abandon))
    },
  }
}

/** Lets those in who ask for the same thing one after the other, and for different things at once. */
export function turnsBy<Thing>(): (thing: Thing, signal?: AbortSignal) => Promise<Hold> {
  const turns = new Map<Thing, { readonly semaphore: Semaphore; users: number }>()
  return async (thing, signal) => {
    const turn = turns.get(thing) ?? { semaphore: semaphore(1), users: 0 }
    turns.set(thing, turn)
    turn.users += 1
    const leave = () => {
      turn.users -= 1
      if (turn.users === 0) turns.delete(thing)
    }
    try {
      const hold = await turn.semaphore.acquire(1, signal)
      return {
        [Symbol.dispose]() {
          hold[Symbol.dispose]()
          leave()
        },
      }
    } catch (error) {
      leave()
      throw error
    }
  }
}

/** Wakes everybody who waits for it; who comes later waits for the next time. */
export function bell() {
  let next = Promise.withResolvers<void>()
  return {
    rung: (): Promise<void> => next.promise,
    ring() {
      next.resolve()
      next = Promise.withResolvers()
    },
  }
}

/** A hold, or undefined once `signal` is aborted: for work that is then not begun. */
export async function acquireUnless(semaphore: Semaphore, signal: AbortSignal): Promise<Hold | undefined> {
  try {
    return await semaphore.acquire(1, signal)
  } catch (error) {
    if (signal.aborted) return undefined
    throw error
  }
}

/**
 * Calls `fn` for every item, at most `limit` at a time; an item is pulled only when there is room for it, so
 * the iterable may be endless. The first failure (of `fn`, of the iterable, or the signal) stops the pulling
 * and aborts the signal that the other calls got. Settles only when every call has: with that first failure,
 * if there was one.
 */
export async function forEachLimit<T>(
  items: AsyncIterable<T> | Iterable<T>,
  limit: number,
  fn: (item: T, signal: AbortSignal) => Promise<unknown>,
  signal?: AbortSignal,
): Promise<void> {
  const slots = semaphore(limit)
  using first = firstFailure(signal)

  const start = async (item: T, slot: Hold) => {
    using _ = slot
    try {
      await fn(item, first.signal)
    } catch (error) {
      first.report(error)
    }
  }

  let slot = await slots.acquire()
  try {
    for await (const item of items) {
      if (first.signal.aborted) break
      void start(item, slot)
      slot = await slots.acquire()
      if (first.signal.aborted) break
    }
  } catch (error) {
    first.report(error)
  }
  slot[Symbol.dispose]()
  await slots.acquire(limit)
  first.rethrow()
}

function firstFailure(outer: AbortSignal | undefined) {
  const siblings = linkedAbort(outer)
  let failure: { readonly error: unknown } | undefined
  return {
    signal: siblings.signal,
    report(error: unknown) {
      failure ??= { error }
      siblings.abort(new Aborted("stopped because another one failed", error))
    },
    rethrow() {
      if (failure !== undefined) throw failure.error
      outer?.throwIfAborted()
    },
    [Symbol.dispose]: () => siblings[Symbol.dispose](),
  }
}
