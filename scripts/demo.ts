import { DEMO_PLACES, runDemo } from "../lib/demo/demo.ts"
import { renderDemo } from "../lib/demo/render.ts"
import { openPageSomewhere } from "../lib/page/open-page.ts"
import { PAGE_PARTS } from "../lib/page/page.ts"
import { aborted } from "../lib/support/abort.ts"
import { flag, main } from "../lib/support/cli.ts"
import { loadConfig } from "../lib/support/config.ts"

await main(
  {
    name: "demo",
    summary:
      "Runs the whole job once on this machine: a real PostgreSQL, a stand-in for S3, a folder as destination.",
    example: "--fresh",
    options: {
      fresh: flag("forget what an earlier demo did"),
      open: flag("then serve the page over what was done, until Ctrl-C"),
    },
  },
  async (start) => {
    const { options, stop, log, print } = start
    const say = (text: string) => process.stderr.write(`${text}\n`)
    const outcome = await runDemo(start, { fresh: options.fresh, say }, (report) => print(report, renderDemo))
    if (!options.open || stop.requested.aborted) return outcome
    await using page = await openPageSomewhere({ config: loadConfig(PAGE_PARTS, DEMO_PLACES), log })
    if (page.isElsewhere) say("Another program has the page's usual port.")
    say(`The page is at ${page.url} until Ctrl-C.`)
    await aborted(stop.requested)
    return outcome
  },
)
