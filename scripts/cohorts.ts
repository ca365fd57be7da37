import { cohortsOf, cohortsToCompare } from "../lib/operate/cohorts.ts"
import { diffCohorts } from "../lib/operate/cohorts-diff.ts"
import { renderCohortDiff, renderCohorts } from "../lib/operate/cohorts-render.ts"
import { requireLedger, withLedger } from "../lib/pipeline/deps.ts"
import { main } from "../lib/support/cli.ts"

await main(
  {
    name: "cohorts",
    summary:
      "What each discovery decided: rules, parameters, chosen doctors, studies; and how two of them differ.",
    example: "diff 3 8",
    arguments: {
      name: "diff A B",
      description: "which doctors and studies came and went from cohort A to cohort B, and by which rule",
      parse: String,
    },
    config: ["ledger"],
  },
  (start) => {
    const compared = cohortsToCompare(start.args)
    requireLedger(start.config.ledger.path)
    return withLedger(start, async (ledger) => {
      if (compared === undefined) await start.print(cohortsOf(ledger), renderCohorts)
      else await start.print(diffCohorts(ledger, ...compared), renderCohortDiff)
      return 0
    })
  },
)
