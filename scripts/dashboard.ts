import { exportPage, renderExported } from "../lib/page/export.ts"
import { openPage } from "../lib/page/open-page.ts"
import { PAGE_PARTS } from "../lib/page/page.ts"
import { aborted } from "../lib/support/abort.ts"
import { main, option, portNumber } from "../lib/support/cli.ts"

await main(
  {
    name: "dashboard",
    summary: "Serves the page until it is stopped: what the box is doing, what failed, and what was done.",
    example: "--port 8080",
    options: {
      host: option("ADDRESS", String, "listens there (PAGE_HOST); other than loopback only with a login"),
      port: option("PORT", portNumber, "listens on this port (PAGE_PORT); 0: on any that is free"),
      export: option(
        "FILE",
        String,
        "writes all but the studies as one HTML file that needs no server, and ends",
      ),
    },
    config: PAGE_PARTS,
  },
  async ({ config, options, log, stop, print }) => {
    if (options.export !== undefined) {
      await print(await exportPage({ config, log }, options.export), renderExported)
      return 0
    }
    const { host = config.page.host, port = config.page.port } = options
    await using page = await openPage({ config: { ...config, page: { ...config.page, host, port } }, log })
    const { url, flowerUrl } = page
    await print({ url, flower_url: flowerUrl }, () => `The page is at ${url} and ${flowerUrl}`)
    await aborted(stop.requested)
    return 0
  },
)
