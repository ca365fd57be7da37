import { resolve as resolvePath } from "node:path"
import { renderRebuild, renderVerification } from "../lib/operate/verify-render.ts"
import { withRebuildDeps, withVerifyDeps } from "../lib/pipeline/deps.ts"
import { rebuildLedger, requireRebuildOnly } from "../lib/pipeline/verify/rebuild.ts"
import { verify } from "../lib/pipeline/verify/verify.ts"
import { flag, main, option, percentage, uuid } from "../lib/support/cli.ts"
import { loadConfig } from "../lib/support/config.ts"

await main(
  {
    name: "verify",
    summary:
      "Compares the ledger with the destination and the datastore by size, CRC32C and generation, from list pages.",
    example: "--sample 5 --read",
    arguments: { name: "STUDY_ID", description: "only these studies", parse: uuid },
    options: {
      sample: option("P", percentage, "only so many percent of the studies, always the same ones"),
      repair: flag("queue what is missing or different, so that the next copy mends it"),
      read: flag("also read every byte and hash it"),
      source: flag("also compare with the origin (needs its settings, too); queue what changed there"),
      rebuildLedger: option("FILE", resolvePath, "make a new ledger from the receipts at the destination"),
      prune: flag("delete retired objects that we put there, under their generation; first with --dry-run"),
    },
    config: ["ledger", "destination", "gcs", "copy", "cod", "ingest"],
    changes: true,
  },
  (start) => {
    const { rebuildLedger: path } = start.options
    if (path !== undefined) {
      requireRebuildOnly(start.options, start.args)
      return withRebuildDeps(start, async (deps) => {
        const report = await rebuildLedger(deps, { ...start, path }, start.stop)
        await start.print(report, (found) => renderRebuild(found, start))
        return report.unusable.length > 0 ? 1 : 0
      })
    }
    const config = start.options.source ? { ...start.config, ...loadConfig(["origin", "s3"]) } : start.config
    return withVerifyDeps({ ...start, config }, async (deps) => {
      const { args: studyIds, options, dryRun, stop } = start
      const report = await verify(deps, { ...options, studyIds, dryRun }, stop)
      await start.print(report, (found) => renderVerification(found, start))
      const { studies, objects, bytes, series, problems, queued, prune } = report
      return {
        outcome: problems.length > 0 ? 1 : 0,
        counts: {
          studies,
          objects,
          bytes,
          series,
          problems: problems.length,
          queued,
          pruned: prune?.deleted.length ?? 0,
        },
      }
    })
  },
)
