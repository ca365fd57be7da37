import { schedule, scheduleOnce } from "../lib/operate/schedule.ts"
import { scheduleJobs, toldByPrinting, toldToLog } from "../lib/operate/schedule-jobs.ts"
import { outlook } from "../lib/operate/schedule-outlook.ts"
import { renderFirings, renderOutlook } from "../lib/operate/schedule-render.ts"
import { requirePinnedCohort, withLedger, withScheduler } from "../lib/pipeline/deps.ts"
import { LIMIT_OPTIONS } from "../lib/pipeline/limits.ts"
import { flag, main, option, positiveInteger } from "../lib/support/cli.ts"
import { cronTimes } from "../lib/support/cron.ts"

await main(
  {
    name: "schedule",
    summary:
      "Does the whole job at SCHEDULE_CRON, by the clock of SCHEDULE_TZ, until it is stopped; never two at once.",
    example: "--until 07:00",
    options: {
      once: flag("do it now and end; while a run is under way, only discover for it"),
      noCatchUp: flag("do not make up for what was missed or cut off while nothing ran here"),
      pinCohort: option(
        "ID",
        positiveInteger,
        "the doctors of this cohort, instead of ranking anew (COHORT_PIN)",
      ),
      ...LIMIT_OPTIONS,
    },
    config: ["schedule", "ledger", "database", "ranking", "origin", "destination", "s3", "gcs", "copy"],
    changes: true,
  },
  async (start) => {
    const { config, stop, log, print } = start
    const { once, noCatchUp, pinCohort } = start.options
    const pinned = { ...start, pinCohort }
    const times = cronTimes(config.schedule.cron, config.schedule.timezone)
    const catchUp = !noCatchUp
    if (start.dryRun) {
      requirePinnedCohort(pinned)
      return withLedger(start, async (ledger) => {
        await print(outlook(ledger, times, { catchUp }), renderOutlook)
        return 0
      })
    }
    return withScheduler(pinned, { once }, async (deps) => {
      const listing = once && start.json ? "all" : "not-complete"
      const told = once ? toldByPrinting(print, config) : toldToLog(log)
      const jobs = scheduleJobs(pinned, { limits: start.options, listing }, told)
      const fired = once
        ? await scheduleOnce({ ...deps, jobs, log }, stop)
        : await schedule({ ...deps, times, jobs, log }, { catchUp }, stop)
      if (!once) await print(fired, renderFirings)
      return { outcome: fired.failed > 0 ? 1 : 0, counts: { ...fired } }
    })
  },
)
