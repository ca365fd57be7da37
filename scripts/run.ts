import { renderRun, renderRunPreview } from "../lib/operate/render.ts"
import { LIMIT_OPTIONS, limitsFrom } from "../lib/pipeline/copy/limits.ts"
import { COPY_PARTS, withDiscoverDeps, withRunDeps } from "../lib/pipeline/deps.ts"
import { THUMBNAIL_OPTIONS, withThumbnailOptions } from "../lib/pipeline/ingest/thumbnail-options.ts"
import { isWell, previewRun, run, runCounts, runDocument } from "../lib/pipeline/run.ts"
import { main, option, positiveInteger } from "../lib/support/cli.ts"

await main(
  {
    name: "run",
    summary: "The whole job: discovers eligible studies, copies what is due, and packs its series.",
    example: "--limit 100",
    options: {
      limit: option("N", positiveInteger, "only the N studies with the newest signed report"),
      pinCohort: option(
        "ID",
        positiveInteger,
        "the doctors of this cohort, instead of ranking anew (COHORT_PIN)",
      ),
      ...THUMBNAIL_OPTIONS,
      ...LIMIT_OPTIONS,
    },
    config: [...COPY_PARTS, "schedule"],
    changes: true,
  },
  async (start) => {
    const { options, stop } = start
    const config = withThumbnailOptions(start.config, options)
    const { pinCohort } = options
    using limits = limitsFrom(options, config)
    if (start.dryRun) {
      return await withDiscoverDeps({ ...start, pinCohort }, async (deps) => {
        const terms = { ...config.copy, bytesPerSecond: limits.bytesPerSecond }
        const preview = await previewRun(deps, options, terms, stop)
        await start.print(preview, (found) => renderRunPreview(found, config.ranking))
        return { outcome: 0, counts: {} }
      })
    }
    return await withRunDeps({ ...start, config, limits, pinCohort }, async (deps) => {
      const { concurrency } = config.copy
      const listing = start.json ? "all" : "not-complete"
      const report = await run(deps, { ...options, concurrency, listing }, stop)
      await start.print(runDocument(report), () => renderRun(report, config.ranking))
      return { outcome: isWell(report) ? 0 : 1, counts: runCounts(report) }
    })
  },
)
