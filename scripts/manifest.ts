import { renderManifest, writeManifest } from "../lib/operate/manifest.ts"
import { type Output, requireRoom, writeFileWhole, writeOut } from "../lib/operate/manifest-output.ts"
import { manifestFormat } from "../lib/operate/manifest-rows.ts"
import { requireLedger, withLedger } from "../lib/pipeline/deps.ts"
import { main, option, positiveInteger } from "../lib/support/cli.ts"

await main(
  {
    name: "manifest",
    summary:
      "Prints one row an image of every complete study: what it is, where it lies, its size and checksum.",
    example: "--format csv --out manifest.csv",
    options: {
      cohort: option("ID", positiveInteger, "only studies that were eligible when this cohort was decided"),
      format: option("jsonl|csv", manifestFormat, "JSON documents, one a line (the default), or CSV"),
      out: option("FILE", String, "write the rows there, all of them or none", { short: "o" }),
    },
    config: ["ledger", "cod"],
  },
  (start) => {
    const { stop } = start
    const options = { ...start.options, uidHashKey: start.config.cod.uidHashKey }
    requireRoom(options, start)
    requireLedger(start.config.ledger.path)
    return withLedger(start, async (ledger) => {
      const write = (output: Output) => writeManifest(ledger, output, options, stop)
      if (options.out === undefined) await writeOut(write)
      else await start.print(await writeFileWhole(options.out, write), renderManifest)
      return 0
    })
  },
)
