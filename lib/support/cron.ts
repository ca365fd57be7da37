import { Cron } from "croner"

/** When something is due, again and again. */
export interface CronTimes {
  /** The first time after `moment`; undefined when there is none. */
  next(moment: Date): Date | undefined
  /** The last time before `moment`; undefined when there is none. */
  previous(moment: Date): Date | undefined
}

/**
 * The times of a crontab line (five fields, six with seconds before them, or a name such as `@daily`) by the wall clock
 * of an IANA time zone. On the days on which that clock is moved, a time that it skips is due when it has been moved
 * forward, and a time that it shows twice is due the first time only, as Vixie's cron has it.
 * @throws TypeError when it is no such line or the zone is unknown
 */
export function cronTimes(line: string, timezone: string): CronTimes {
  // Croner would take a date, too: something that is due once.
  if (!/^(?:@\w+|\S+(?:\s+\S+){4,5})$/.test(line)) throw new TypeError("not a crontab line")
  // Only asked for times: what waits for them is the caller's clock.
  const cron = new Cron(line, { timezone, paused: true })
  return {
    next: (moment) => cron.nextRun(moment) ?? undefined,
    previous: (moment) => cron.previousRuns(1, moment)[0],
  }
}

/** Whether it is a crontab line that is due at some time. */
export function isCronLine(line: string): boolean {
  return succeeds(() => cronTimes(line, "UTC").next(new Date(0)) !== undefined)
}

export function isTimezone(name: string): boolean {
  return succeeds(() => new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined)
}

function succeeds(asked: () => boolean): boolean {
  try {
    return asked()
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return false
    throw error
  }
}
