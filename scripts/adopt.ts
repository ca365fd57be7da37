import { renderAdopt } from "../lib/operate/adopt-render.ts"
import { adopt } from "../lib/pipeline/adopt/adopt.ts"
import { withAdoptDeps } from "../lib/pipeline/deps.ts"
import { main, uuid } from "../lib/support/cli.ts"

await main(
  {
    name: "adopt",
    summary:
      "Records as done what another tool brought to the destination: by what listings tell, without reading a byte.",
    example: "--dry-run",
    arguments: { name: "STUDY_ID", description: "only these studies", parse: uuid },
    config: ["ledger", "origin", "destination", "s3", "gcs", "copy"],
    changes: true,
  },
  (start) =>
    withAdoptDeps(start, async (deps) => {
      const { args: studyIds, dryRun, stop } = start
      const { objectsInFlight: concurrency, egressUsdPerGb: usdPerGb } = start.config.copy
      const report = await adopt(deps, { studyIds, concurrency, dryRun, usdPerGb }, stop)
      await start.print(report, (found) => renderAdopt(found, start))
      const { studies, adopted, busy, failed } = report
      return {
        outcome: failed.length > 0 ? 1 : 0,
        counts: { studies, ...adopted, busy, failed: failed.length },
      }
    }),
)
