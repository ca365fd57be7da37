import { runLocks } from "../lib/operate/locks/command.ts"
import { INGEST_PARTS } from "../lib/pipeline/deps.ts"
import { flag, main, option } from "../lib/support/cli.ts"

await main(
  {
    name: "locks",
    summary: `The locks of series in the datastore: those of the ledger, and those of others that keep series from being packed.

  list                every lock: held by a run, unfinished, hanging, foreign; whose, since when, what to do
  check               holds the ledger against the datastore; 1 when a lock hangs or differs
  release SERIES_URI  by hand: the ledger's own, or the one of --generation; the next run tries the series again
  adopt               settles what crashed runs left, as the next run would

A lock is deleted only in the generation that was seen, and never for its age.`,
    example: `list
  bun scripts/locks.ts check --all
  bun scripts/locks.ts release gs://bucket/cod/dicomweb/studies/1.2.3/series/4.5.6 --why "checked, sound"
  bun scripts/locks.ts adopt --dry-run`,
    arguments: { name: "VERB [SERIES_URI]", description: "what to do, and with which series", parse: String },
    options: {
      all: flag(
        "check: also looks for locks in the whole datastore; lists every key of it, which takes long",
      ),
      generation: option("G", String, "release: of a lock that is not the ledger's, as list has it"),
      why: option("TEXT", String, "release: for the ledger and the log"),
    },
    config: [...INGEST_PARTS],
    changes: true,
  },
  (start) => runLocks(start, start.args, start.options),
)
