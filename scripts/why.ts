import { isWholeAnswer, requireKnown, requireOneStudy, why } from "../lib/operate/why.ts"
import { renderWhy } from "../lib/operate/why-render.ts"
import { withSides } from "../lib/pipeline/sides.ts"
import { main, uuid } from "../lib/support/cli.ts"

await main(
  {
    name: "why",
    summary:
      "Why a study is copied and packed or not: every rule, what ledger, origin and destination hold, what happens next.",
    example: "70527eef-9ec7-8a61-a103-2117c2153828",
    arguments: { name: "STUDY_ID", description: "one study, known to the ledger or not", parse: uuid },
    config: [
      "ledger",
      "database",
      "ranking",
      "schedule",
      "origin",
      "destination",
      "s3",
      "gcs",
      "cod",
      "ingest",
    ],
  },
  (start) =>
    withSides(start, async (sides) => {
      const { schedule } = start.config
      const report = await why({ ...sides, schedule }, requireOneStudy(start.args), start.stop)
      await start.print(report, renderWhy)
      requireKnown(report)
      return isWholeAnswer(report) ? 0 : 1
    }),
)
