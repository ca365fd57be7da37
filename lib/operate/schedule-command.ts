import type { LimitOptions } from "../pipeline/copy/limits.ts"
import { type CopyParts, type Start, withBackupDeps, withScheduler } from "../pipeline/deps.ts"
import type { Context } from "../support/cli.ts"
import { systemClock } from "../support/clock.ts"
import { cronTimes } from "../support/cron.ts"
import { dailyLog, logFolder } from "../support/log-files.ts"
import { backupIfDue } from "./backup.ts"
import { schedule, scheduleOnce } from "./schedule.ts"
import { scheduleJobs, toldByPrinting, toldToLog } from "./schedule-jobs.ts"
import { renderFirings } from "./schedule-render.ts"

type Told = Pick<Context<never, never, never>, "alsoLog" | "json" | "print" | "report">

export interface SchedulerOptions {
  /** Fires now and ends. */
  readonly once: boolean
  readonly catchUp: boolean
  /** Of each run. */
  readonly limits: LimitOptions
  /** Opens what lives beside it, from the moment on that it is recorded in the ledger. */
  readonly beside?: () => Promise<AsyncDisposable>
}

/** A scheduler from its start to its end, with a log file a day; one that fires once prints what `run` prints. */
export async function runScheduler(
  start: Start<CopyParts | "schedule" | "backup"> & Told,
  { once, catchUp, limits, beside }: SchedulerOptions,
): Promise<0 | 1> {
  const { config, stop, log, print, report } = start
  using days = dailyLog(logFolder(config.ledger.path), systemClock, (error) =>
    log.warn({ err: error }, "today's lines cannot be kept"),
  )
  start.alsoLog(days.write)
  return await withScheduler(start, { once }, async (scheduler) => {
    await using _ = await beside?.()
    const listing = once && start.json ? "all" : "not-complete"
    const jobs = scheduleJobs(
      start,
      { limits, listing },
      once ? toldByPrinting(print, config) : toldToLog(log),
    )
    const deps = { ...scheduler, jobs, log, report }
    const times = cronTimes(config.schedule.cron, config.schedule.timezone)
    const backup = () => withBackupDeps(start, (taking) => backupIfDue(taking, stop.requested))
    const fired = once
      ? await scheduleOnce(deps, stop)
      : await schedule({ ...deps, times, backup }, { catchUp }, stop)
    if (!once) await print(fired, renderFirings)
    return { outcome: fired.failed > 0 ? 1 : 0, counts: { ...fired } }
  })
}
