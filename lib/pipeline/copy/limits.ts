import { type OptionValues, option } from "../../support/cli-parse.ts"
import { byteSize, type TimeOfDay, timeOfDay, timeSpan } from "../../support/cli-values.ts"
import { type Clock, systemClock } from "../../support/clock.ts"
import type { Config } from "../../support/config.ts"
import { cronTimes } from "../../support/cron.ts"
import { Aborted } from "../../support/errors.ts"

/** The flags of every script that copies. */
export const LIMIT_OPTIONS = {
  bwlimit: option(
    "BYTES",
    byteSize,
    "read no more than this from the origin in a second, such as 20M (COPY_BYTES_PER_SECOND)",
  ),
  until: option("HH:MM", timeOfDay, "begin no study after the next such time, by the clock of SCHEDULE_TZ"),
  maxDuration: option("TIME", timeSpan, "begin no study after so long, such as 2h or 90m"),
  maxBytes: option("BYTES", byteSize, "begin no study once so much was sent, such as 500G"),
}

export type LimitOptions = Partial<OptionValues<typeof LIMIT_OPTIONS>>

/** Which limit ended a run. */
export type LimitName = "until" | "max_duration" | "max_bytes"

/**
 * Limits of one run, from now until they are disposed of. To reach one is no failure: no study is begun after it, those
 * in flight are finished.
 */
export interface Limits extends Disposable {
  readonly reached: AbortSignal
  /** The one that was reached first. */
  readonly ended: LimitName | undefined
  /** When time will have reached one, unless bytes do before. */
  readonly endsAt: Date | undefined
  /** Bytes that all bodies of the origin together may bring in a second. */
  readonly bytesPerSecond: number | undefined
  /** Tells of bytes that were sent to the destination. */
  sent(bytes: number): void
}

/** @param clock decides when a time has come */
export function limitsFrom(
  { bwlimit, until, maxDuration, maxBytes = Number.POSITIVE_INFINITY }: LimitOptions,
  { copy, schedule }: Pick<Config, "copy" | "schedule">,
  clock: Clock = systemClock,
): Limits {
  const reached = new AbortController()
  const over = new AbortController()
  let ended: LimitName | undefined
  let endsAt: Date | undefined
  let sent = 0

  const reach = (limit: LimitName) => {
    ended ??= limit
    reached.abort(new Aborted(`the limit ${limit} was reached`))
  }
  const endAt = (moment: Date, limit: LimitName) => {
    if (endsAt === undefined || moment < endsAt) endsAt = moment
    untilThen(moment, clock, over.signal).then(
      () => reach(limit),
      (error: unknown) => {
        if (!over.signal.aborted) throw error
      },
    )
  }
  const startedAt = clock.now()
  if (until !== undefined) endAt(nextTime(until, schedule.timezone, startedAt), "until")
  if (maxDuration !== undefined) endAt(new Date(startedAt.getTime() + maxDuration), "max_duration")

  return {
    reached: reached.signal,
    get ended() {
      return ended
    },
    endsAt,
    bytesPerSecond: bwlimit ?? copy.bytesPerSecond,
    sent(bytes) {
      sent += bytes
      if (sent >= maxBytes) reach("max_bytes")
    },
    [Symbol.dispose]: () => over.abort(),
  }
}

/** For who sets none. */
export function noLimits(): Limits {
  return {
    reached: new AbortController().signal,
    ended: undefined,
    endsAt: undefined,
    bytesPerSecond: undefined,
    sent() {},
    [Symbol.dispose]() {},
  }
}

function nextTime({ hour, minute }: TimeOfDay, timezone: string, after: Date): Date {
  return cronTimes(`${minute} ${hour} * * *`, timezone).next(after)!
}

/** A timer takes no more than 24 days, and stands still while the box sleeps. */
const LONGEST_WAIT_MS = 60_000

async function untilThen(moment: Date, clock: Clock, signal: AbortSignal) {
  for (;;) {
    const left = moment.getTime() - clock.now().getTime()
    if (left <= 0) return
    await clock.delay(Math.min(left, LONGEST_WAIT_MS), signal)
  }
}
