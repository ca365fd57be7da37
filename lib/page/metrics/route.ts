import type { PageDeps, Route } from "../page.ts"
import { recently } from "../recently.ts"
import { tellBox } from "./box.ts"
import { CONTENT_TYPE, exposition } from "./exposition.ts"
import { tellRuns } from "./runs.ts"
import { tellWork } from "./work.ts"

/** As old as an answer may be, in seconds. */
const FRESH_SECONDS = 5

const textNow = recently(FRESH_SECONDS, metricsOf)

/** What the box is doing as numbers, for Prometheus and whatever reads its format. */
export const metricsRoute: Route = {
  path: "/metrics",
  method: "GET",
  admits: "monitor",
  handle: async ({ deps }) =>
    new Response(await textNow(deps), {
      headers: { "content-type": CONTENT_TYPE, "cache-control": "no-store" },
    }),
}

/** Totals and indexes tell it all; nothing is counted that has a row for each object. */
async function metricsOf(deps: PageDeps): Promise<string> {
  const told = exposition()
  await tellBox(told, deps)
  deps.ledger.read(() => {
    tellWork(told, deps.ledger)
    tellRuns(told, deps.ledger)
  })
  return await told.text()
}
