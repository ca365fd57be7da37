import { failuresOf, requireOneView, statusOf, timelineOf, versionsOf, watch } from "../lib/operate/status.ts"
import { renderFailures, renderStatus, renderTimeline, renderVersions } from "../lib/operate/status-render.ts"
import { requireLedger, withLedger } from "../lib/pipeline/deps.ts"
import { flag, main, option, uuid } from "../lib/support/cli.ts"

await main(
  {
    name: "status",
    summary: "How far it is, what runs, what failed; reads the ledger and changes nothing.",
    example: "--watch",
    options: {
      watch: flag("show it anew every two seconds, until interrupted"),
      failures: flag("list every failure with what happens next"),
      study: option("ID", uuid, "everything that happened to one study"),
      versions: flag("versions of the tool, of Bun, of SQLite, of zstd and of the ledger"),
    },
    config: ["ledger"],
  },
  (start) => {
    const { options } = start
    requireOneView(options, start)
    if (!options.versions) requireLedger(start.config.ledger.path)
    return withLedger(start, async (ledger) => {
      if (options.versions) await start.print(versionsOf(ledger), renderVersions)
      else if (options.study !== undefined)
        await start.print(timelineOf(ledger, options.study), renderTimeline)
      else if (options.failures) await start.print(failuresOf(ledger), renderFailures)
      else if (options.watch) await watch(() => start.print(statusOf(ledger), renderStatus), start.stop)
      else await start.print(statusOf(ledger), renderStatus)
      return 0
    })
  },
)
