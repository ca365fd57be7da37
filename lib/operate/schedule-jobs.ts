import type { Listing } from "../pipeline/copy/copy-report.ts"
import { type LimitOptions, limitsFrom } from "../pipeline/copy/limits.ts"
import { type CopyParts, type Start, withDiscoverDeps, withRunDeps } from "../pipeline/deps.ts"
import { type DiscoverReport, discover } from "../pipeline/discover/discover.ts"
import { isWell, type RunReport, run, runCounts, runDocument } from "../pipeline/run.ts"
import type { Config } from "../support/config.ts"
import type { Log } from "../support/log.ts"
import { silentProgress } from "../support/progress.ts"
import type { Jobs } from "./firings.ts"
import { renderDiscover, renderRun } from "./render.ts"

/** Who hears how a job went. */
export interface Told {
  run(report: RunReport): Promise<void>
  discover(report: DiscoverReport): Promise<void>
}

/** For a scheduler whose output nobody reads: a line of the log. */
export function toldToLog(log: Log): Told {
  return {
    run: async (report) => log.info(runCounts(report), "the run has ended"),
    discover: async ({ studies }) => log.info(studies, "the discovery has ended"),
  }
}

/** For one who waits: the reports of `run` and `discover`. */
export function toldByPrinting(
  print: <R>(report: R, render: (report: R) => string) => Promise<void>,
  { ranking }: Pick<Config, "ranking">,
): Told {
  return {
    run: (report) => print(runDocument(report), () => renderRun(report, ranking)),
    discover: (report) => print(report, (found) => renderDiscover(found, ranking)),
  }
}

export interface JobOptions {
  /** Of each run anew. */
  readonly limits: LimitOptions
  readonly listing: Listing
}

/** What a scheduler begins: the same as `run` and `discover` by hand, each a run of the ledger under that name. */
export function scheduleJobs(start: Start<CopyParts | "schedule">, options: JobOptions, told: Told): Jobs {
  const { config, stop } = start
  const words = start.words.filter((word) => !OWN_FLAGS.includes(word))
  return {
    async run(began) {
      using limits = limitsFrom(options.limits, config)
      const outcome = await withRunDeps(
        { ...start, script: "run", words, alone: true, limits },
        async (deps) => {
          began(deps.runId)
          const { concurrency } = config.copy
          const report = await run(deps, { concurrency, listing: options.listing }, stop)
          await told.run(report)
          return { outcome: isWell(report) ? 0 : 1, counts: runCounts(report) }
        },
      )
      return { isWell: outcome === 0, isWhole: limits.ended === undefined }
    },
    async discover(began) {
      // The bar is the run's.
      const discovery = { ...start, script: "discover", words, progress: silentProgress }
      const outcome = await withDiscoverDeps(discovery, async (deps) => {
        began(deps.runId!)
        const report = await discover(deps, {}, stop)
        await told.discover(report)
        return { outcome: 0, counts: report.studies }
      })
      return { isWell: outcome === 0 }
    },
  }
}

/** The others are those of `run`. */
const OWN_FLAGS = ["--once", "--no-catch-up", "--dashboard"]
