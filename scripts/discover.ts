import { renderDiscover } from "../lib/operate/render.ts"
import { withDiscoverDeps } from "../lib/pipeline/deps.ts"
import { discover } from "../lib/pipeline/discover/discover.ts"
import { flag, main, option, positiveInteger } from "../lib/support/cli.ts"

await main(
  {
    name: "discover",
    summary:
      "Ranks the doctors, applies the rules of eligibility and records the eligible studies in the ledger.",
    example: "--limit 100 --list",
    options: {
      limit: option("N", positiveInteger, "only the N studies with the newest signed report"),
      pinCohort: option(
        "ID",
        positiveInteger,
        "the doctors of this cohort, instead of ranking anew (COHORT_PIN)",
      ),
      list: flag("also tell every eligible study, with its reports and the ranks of their doctors"),
    },
    config: ["ledger", "database", "ranking"],
    changes: true,
  },
  (start) =>
    withDiscoverDeps({ ...start, pinCohort: start.options.pinCohort }, async (deps) => {
      const report = await discover(deps, { ...start.options, dryRun: start.dryRun }, start.stop)
      await start.print(report, (found) => renderDiscover(found, start.config.ranking))
      return { outcome: 0, counts: report.studies }
    }),
)
