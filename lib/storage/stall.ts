import { linkedAbort } from "../support/abort.ts"
import { Unavailable } from "./errors.ts"
import { type Asked, describe } from "./failures.ts"

export interface StallWatch extends Disposable {
  /** Follows the caller's signal, and aborts with `Unavailable` when nothing moved. */
  readonly signal: AbortSignal
}

/** Watches as `onStall` does, by a signal. */
export function watchStall(
  asked: Asked,
  stallMs: number,
  hasMoved: () => Promise<boolean>,
  signal?: AbortSignal,
): StallWatch {
  const stalled = linkedAbort(signal)
  const watch = onStall(asked, stallMs, hasMoved, stalled.abort)
  return {
    signal: stalled.signal,
    [Symbol.dispose]() {
      watch[Symbol.dispose]()
      stalled[Symbol.dispose]()
    },
  }
}

/**
 * Watches something that only an inquiry tells to be moving, and asks every `stallMs`. It may go on for as long as it
 * moves: there is no total deadline. Disposing the watch ends it.
 * @param hasMoved since it was asked last; whatever it throws counts as a stall
 * @param giveUp called once, when nothing moved
 */
export function onStall(
  asked: Asked,
  stallMs: number,
  hasMoved: () => Promise<boolean>,
  giveUp: (reason: Unavailable) => void,
): Disposable {
  let timer: NodeJS.Timeout | undefined
  let over = false

  const wait = () => {
    if (!over) timer = setTimeout(look, stallMs)
  }
  const give = (cause?: unknown) => {
    const { store, key } = asked
    giveUp(new Unavailable(`${describe(asked)}: no progress for ${stallMs / 1000} s`, { store, key }, cause))
  }
  const look = () => hasMoved().then((moved) => (moved ? wait() : give()), give)

  wait()
  return {
    [Symbol.dispose]() {
      over = true
      clearTimeout(timer)
    },
  }
}
