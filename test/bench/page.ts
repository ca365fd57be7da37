import { join } from "node:path"
import { bytes, count, table } from "../../lib/support/text.ts"
import { freePort } from "../support/free-port.ts"
import { startScript } from "../support/process.ts"
import { fillLedger } from "./ledger-fill.ts"
import { medianOf, scratchFolder } from "./measure.ts"
import { benchOptions } from "./options.ts"
import fillPage from "./page-fill.sql" with { type: "text" }
import { type Answer, ask, pageViews } from "./page-views.ts"

/** Of the median of one view, and of its document with style and script. */
const LIMITS = { milliseconds: 200, bytes: 300_000 }

const HELP = `Asks the page of a large ledger for each of its views, one request after the other. The ledger has studies of three
objects, nine of ten complete and packed, failures in the tens of thousands, and three years of nights. Takes some
minutes and 3 GB of disk.`

const options = benchOptions("bench:page", HELP, { repeats: 30, studies: 1_000_000 })
if (options !== undefined) {
  using folder = scratchFolder()
  const path = join(folder.path, "ledger.sqlite")
  fillLedger(path, options.studies, fillPage)
  const views = await measured(path, options.repeats)
  const passed = views.every((view) => view.median <= LIMITS.milliseconds && view.bytes <= LIMITS.bytes)
  if (options.json) console.log(JSON.stringify({ studies: options.studies, views, passed }, undefined, 2))
  else {
    console.log(`page: a ledger of ${count(options.studies)} studies, each view ${options.repeats} times`)
    console.log(
      table(
        ["", "first ms", "median ms", "worst ms", "with style and script"],
        views.map(({ view, bytes: weight, ...ms }) => [
          view,
          ...[ms.first, ms.median, ms.worst].map((each) => each.toFixed(1)),
          bytes(weight),
        ]),
      ),
    )
    const { milliseconds } = LIMITS
    console.log(passed ? "ok" : `FAILED: medians of at most ${milliseconds} ms, ${bytes(LIMITS.bytes)}`)
  }
  process.exitCode = passed ? 0 : 1
}

/** Serves the page as an operator does, and asks for one view after the other, each once before it counts. */
async function measured(path: string, repeats: number) {
  const port = freePort()
  const env = { LEDGER_PATH: path, PAGE_PORT: String(port), DESTINATION_URI: "file:///nowhere" }
  await using page = startScript(["scripts/dashboard.ts"], { env })
  await page.saysOnStdout("The page is at ")
  const results = []
  for (const { view, addresses } of pageViews(path, repeats + 1)) {
    const answers: Answer[] = []
    for (const address of addresses) answers.push(await ask(`http://127.0.0.1:${port}${address}`))
    const [first, ...milliseconds] = answers.map((answer) => answer.milliseconds)
    results.push({
      view,
      first: first!,
      median: medianOf(milliseconds),
      worst: Math.max(...milliseconds),
      bytes: Math.max(...answers.map((answer) => answer.bytes)),
    })
  }
  return results
}
