import { parseArgs } from "node:util"
import { positiveInteger } from "../../lib/support/cli.ts"
import { UsageError } from "../../lib/support/errors.ts"
import type { Benchmark } from "./benchmarks.ts"
import { compare } from "./compare.ts"
import { jsonOf, passes, renderComparison } from "./report.ts"

const DEFAULT_REPEATS = 7

/** Runs benchmarks one after the other. The exit code is 1 when one of them is under its floor or says nothing. */
export async function main(name: string, benchmarks: readonly Benchmark[]) {
  const options = optionsOf(name)
  if (options === undefined) return
  const comparisons = []
  for (const benchmark of benchmarks) {
    const comparison = await compare(benchmark, options.repeats)
    comparisons.push(comparison)
    if (!options.json) console.log(`${renderComparison(comparison)}\n`)
  }
  if (options.json) console.log(JSON.stringify(comparisons.map(jsonOf), undefined, 2))
  process.exitCode = comparisons.every(passes) ? 0 : 1
}

/** Undefined when the help or a complaint was all there was to say. */
function optionsOf(name: string): { readonly json: boolean; readonly repeats: number } | undefined {
  try {
    const { values } = parseArgs({
      options: { help: { type: "boolean" }, json: { type: "boolean" }, repeats: { type: "string" } },
    })
    if (values.help === true) {
      console.log(helpOf(name))
      return undefined
    }
    const repeats = values.repeats === undefined ? DEFAULT_REPEATS : positiveInteger(values.repeats)
    return { json: values.json === true, repeats }
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof UsageError)) throw error
    console.error(`${error.message}\nSee npm run ${name} -- --help.`)
    process.exitCode = 2
    return undefined
  }
}

function helpOf(name: string): string {
  return `Usage: npm run ${name} -- [options]

Compares the copy step (the real one: retries, checksums, receipts, a ledger at FULL) with a bare loop that hands the
body of every GET to an upload and checks nothing. Both copy from S3 to GCS as one stand-in in a process of its own
speaks them, each in a process of its own too, by turns. Nothing leaves this machine.

Options:
  --repeats <N>  rounds of each side, medians are told (${DEFAULT_REPEATS})
  --json         one JSON document on standard output, and nothing else there
  --help         prints this

Example:
  npm run ${name} -- --repeats 11

Exit codes:
  0  at least the floor
  1  below the floor, or the bare loop was so slow that it was the server that was measured
  2  wrong usage`
}
