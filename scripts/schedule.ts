import { runScheduler } from "../lib/operate/schedule-command.ts"
import { outlook } from "../lib/operate/schedule-outlook.ts"
import { renderOutlook } from "../lib/operate/schedule-render.ts"
import { pageBeside } from "../lib/page/page-beside.ts"
import { LIMIT_OPTIONS } from "../lib/pipeline/copy/limits.ts"
import { COPY_PARTS, requirePinnedCohort, withLedger } from "../lib/pipeline/deps.ts"
import { THUMBNAIL_OPTIONS, withThumbnailOptions } from "../lib/pipeline/ingest/thumbnail-options.ts"
import { flag, main, option, positiveInteger } from "../lib/support/cli.ts"

await main(
  {
    name: "schedule",
    summary:
      "Does the whole job at SCHEDULE_CRON, by the clock of SCHEDULE_TZ, until it is stopped; never two at once.",
    example: "--until 07:00",
    options: {
      once: flag("do it now and end; while a run is under way, only discover for it"),
      noCatchUp: flag("do not make up for what was missed or cut off while nothing ran here"),
      dashboard: flag("serves the page, too (PAGE_HOST, PAGE_PORT)"),
      pinCohort: option(
        "ID",
        positiveInteger,
        "the doctors of this cohort, instead of ranking anew (COHORT_PIN)",
      ),
      ...THUMBNAIL_OPTIONS,
      ...LIMIT_OPTIONS,
    },
    config: ["schedule", ...COPY_PARTS, "backup", "page"],
    changes: true,
  },
  async (start) => {
    const { once, noCatchUp, dashboard, pinCohort, noThumbnails, thumbnailConcurrency, ...limits } =
      start.options
    const pinned = {
      ...start,
      config: withThumbnailOptions(start.config, { noThumbnails, thumbnailConcurrency }),
      pinCohort,
    }
    if (!start.dryRun) {
      const beside = dashboard ? () => pageBeside(start) : undefined
      return await runScheduler(pinned, { once, catchUp: !noCatchUp, limits, beside })
    }
    requirePinnedCohort(pinned)
    return await withLedger(start, async (ledger) => {
      await start.print(outlook(ledger, start.config.schedule, { catchUp: !noCatchUp }), renderOutlook)
      return 0
    })
  },
)
