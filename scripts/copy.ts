import { renderCopy, renderPreview } from "../lib/operate/render.ts"
import { copyStudies } from "../lib/pipeline/copy/copy.ts"
import { LIMIT_OPTIONS, limitsFrom } from "../lib/pipeline/copy/limits.ts"
import { previewCopy } from "../lib/pipeline/copy/preview.ts"
import { COPY_PARTS, withCopyDeps, withLedger } from "../lib/pipeline/deps.ts"
import { flag, main, option, positiveInteger, uuid } from "../lib/support/cli.ts"

await main(
  {
    name: "copy",
    summary: "Copies what is due from the origin to the destination, verified to the last byte.",
    example: "--limit 100",
    arguments: { name: "STUDY_ID", description: "exactly these studies, due or not", parse: uuid },
    options: {
      limit: option("N", positiveInteger, "only the N studies with the newest signed report"),
      concurrency: option("N", positiveInteger, "studies in flight (COPY_CONCURRENCY)"),
      retryFailed: flag("also what was given up"),
      force: flag("copy done objects again and replace whatever stands at the destination"),
      ...LIMIT_OPTIONS,
    },
    config: [...COPY_PARTS, "schedule"],
    changes: true,
  },
  async (start) => {
    const { args: studyIds, options, config, stop } = start
    using limits = limitsFrom(options, config)
    if (start.dryRun) {
      return await withLedger(start, async (ledger) => {
        const terms = { ...config.copy, bytesPerSecond: limits.bytesPerSecond }
        await start.print(previewCopy(ledger, { ...options, studyIds }, terms), renderPreview)
        return 0
      })
    }
    return await withCopyDeps({ ...start, limits }, async (deps) => {
      const concurrency = options.concurrency ?? config.copy.concurrency
      const listing = start.json ? "all" : "not-complete"
      const report = await copyStudies(deps, { ...options, studyIds, concurrency, listing }, stop)
      await start.print(report, renderCopy)
      return { outcome: report.totals.failed > 0 ? 1 : 0, counts: { ...report.totals } }
    })
  },
)
