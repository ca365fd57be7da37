import type { Clock } from "../support/clock.ts"

/** A box that slept, or whose clock was set, has to be noticed; and a timer holds 24 days at most. */
const LONGEST_SLEEP_MS = 60_000

/** Resolves to true at that time, to false once the signal aborts. */
export async function reached(clock: Clock, moment: Date, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const leftMs = moment.getTime() - clock.now().getTime()
    if (leftMs <= 0) return true
    try {
      await clock.delay(Math.min(leftMs, LONGEST_SLEEP_MS), signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
  return false
}

const HOUR_MS = 3_600_000

/** Does something at once and an hour after each time, until the signal aborts. */
export async function everyHour(work: () => Promise<void>, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await work()
    await reached(clock, new Date(clock.now().getTime() + HOUR_MS), signal)
  }
}
