import { runDemo } from "../lib/demo/demo.ts"
import { renderDemo } from "../lib/demo/render.ts"
import { flag, main } from "../lib/support/cli.ts"

await main(
  {
    name: "demo",
    summary:
      "Runs the whole job once on this machine: a real PostgreSQL, a stand-in for S3, a folder as destination.",
    example: "--fresh",
    options: { fresh: flag("forget what an earlier demo did") },
  },
  (start) => {
    const say = (text: string) => process.stderr.write(`${text}\n`)
    return runDemo(start, { fresh: start.options.fresh, say }, (report) => start.print(report, renderDemo))
  },
)
