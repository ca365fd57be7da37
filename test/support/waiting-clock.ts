import type { Clock } from "../../lib/support/clock.ts"

/** A clock that others wait by: it stands still until it is moved, and then whoever has waited long enough goes on. */
export interface WaitingClock extends Clock {
  /** Moves it to this moment, in steps of a minute. */
  moveTo(moment: string): Promise<void>
  /** Is set to this moment, or has slept until then: nobody notices before it is moved again. */
  jumpTo(moment: string): void
  /** How many are waiting now. */
  readonly waiting: number
}

export function waitingClock(start: string): WaitingClock {
  let now = Date.parse(start)
  const waits = new Set<{ readonly until: number; readonly end: () => void }>()
  return {
    now: () => new Date(now),
    delay(ms, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const wait = { until: now + ms, end: resolve }
      waits.add(wait)
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true })
      return promise.finally(() => waits.delete(wait))
    },
    async moveTo(moment) {
      const end = Date.parse(moment)
      while (now < end) {
        now = Math.min(end, now + 60_000)
        for (const wait of waits) if (wait.until <= now) wait.end()
        // Those who go on may wait anew.
        await new Promise(setImmediate)
      }
    },
    jumpTo(moment) {
      now = Date.parse(moment)
    },
    get waiting() {
      return waits.size
    },
  }
}
