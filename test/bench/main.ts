import type { Benchmark } from "./benchmarks.ts"
import { compare } from "./compare.ts"
import { benchOptions } from "./options.ts"
import { jsonOf, passes, renderComparison } from "./report.ts"

const HELP = `Compares the copy step (the real one: retries, checksums, receipts, a ledger at FULL) with a bare loop that hands the
body of every GET to an upload and checks nothing. Both copy from S3 to GCS as one stand-in in a process of its own
speaks them, each in a process of its own too, by turns; medians are told. Nothing leaves this machine. It also fails
when the bare loop was so slow that it was the server that was measured.`

/** Runs benchmarks one after the other. The exit code is 1 when one of them is under its floor or says nothing. */
export async function main(name: string, benchmarks: readonly Benchmark[]) {
  const options = benchOptions(name, HELP, { repeats: 7 })
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
