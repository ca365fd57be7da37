import { renderPreview, renderRun } from "../lib/operate/render.ts"
import { withCopyDeps, withLedger } from "../lib/pipeline/deps.ts"
import { previewCopy } from "../lib/pipeline/preview.ts"
import { run } from "../lib/pipeline/run.ts"
import { main, option, positiveInteger } from "../lib/support/cli.ts"

await main(
  {
    name: "run",
    summary: "The whole job: discovers eligible studies, then copies what is due.",
    example: "--limit 100",
    options: {
      limit: option("N", positiveInteger, "only the N studies with the newest signed report"),
    },
    config: ["ledger", "database", "ranking", "origin", "destination", "s3", "gcs", "copy"],
    changes: true,
  },
  async (start) => {
    const { limit } = start.options
    if (start.dryRun) {
      return withLedger(start, async (ledger) => {
        await start.print(previewCopy(ledger, { limit }), renderPreview)
        return 0
      })
    }
    return withCopyDeps(start, async (deps) => {
      const report = await run(deps, { limit, concurrency: start.config.copy.concurrency }, start.stop)
      await start.print(report.copy, () => renderRun(report, start.config.ranking))
      return { outcome: report.copy.totals.failed > 0 ? 1 : 0, counts: { ...report.copy.totals } }
    })
  },
)
