import { openAccess } from "../lib/page/access/open-access.ts"
import { PAGE_PARTS } from "../lib/page/page.ts"
import { servePage } from "../lib/page/server.ts"
import { SITE } from "../lib/page/site.ts"
import { requireLedger, withLedger } from "../lib/pipeline/deps.ts"
import { main } from "../lib/support/cli.ts"
import { systemClock } from "../lib/support/clock.ts"

await main(
  {
    name: "dashboard",
    summary: "Serves the page: what the box is doing, what failed, and what was done.",
    example: "",
    config: [...PAGE_PARTS],
  },
  async ({ config, log, stop }) => {
    requireLedger(config.ledger.path)
    return await withLedger({ config }, async (ledger) => {
      const { host: hostname, port } = config.page
      await using page = await servePage({ ledger, config, clock: systemClock, log }, openAccess(), SITE, {
        hostname,
        port,
      })
      process.stderr.write(`The page is at ${page.url}\n`)
      await new Promise<void>((resolve) =>
        stop.requested.addEventListener("abort", () => resolve(), { once: true }),
      )
      return 0
    })
  },
)
