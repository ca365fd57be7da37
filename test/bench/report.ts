import { bytes, table } from "../../lib/support/text.ts"
import type { Comparison, Side } from "./compare.ts"

export function passes({ benchmark, ratio }: Comparison): boolean {
  return ratio !== undefined && ratio >= benchmark.floor
}

export function renderComparison(comparison: Comparison): string {
  const { benchmark, bare, copy, ratio } = comparison
  const { name, what, workload, measure } = benchmark
  const { inFlight, concurrency } = workload
  const row = (side: string, { throughput, cpu, peakRssBytes }: Side, ofBare?: number) => [
    side,
    decimals(throughput, 0),
    ofBare === undefined ? "" : decimals(ofBare, 2),
    decimals(cpu, 2),
    bytes(peakRssBytes),
  ]
  return [
    `${name}: ${what}, ${inFlight} in flight (COPY_CONCURRENCY=${concurrency}), medians of ${bare.throughputs.length}`,
    table(
      ["", measure.throughputUnit, "ratio", measure.cpuUnit, "peak RSS"],
      [row("bare fetch loop", bare), row("copy step", copy, ratio)],
    ),
    verdict(comparison),
  ].join("\n")
}

export function jsonOf(comparison: Comparison) {
  const { benchmark, bare, copy, ratio } = comparison
  const { name, workload, measure, floor, goal } = benchmark
  const side = ({ throughput, throughputs, cpu, peakRssBytes }: Side) => ({
    throughput,
    throughputs,
    cpu,
    peak_rss_bytes: peakRssBytes,
  })
  return {
    benchmark: name,
    object_bytes: workload.objectBytes,
    objects_in_flight: workload.inFlight,
    copy_concurrency: workload.concurrency,
    throughput_unit: measure.throughputUnit,
    cpu_unit: measure.cpuUnit,
    bare_loop: side(bare),
    copy_step: side(copy),
    ratio: ratio ?? null,
    floor,
    goal,
    passed: passes(comparison),
  }
}

function verdict({ benchmark, bare, ratio }: Comparison): string {
  const { floor, goal, leastBare, measure } = benchmark
  if (ratio === undefined) {
    const made = decimals(bare.throughput, 0)
    return `REFUSED: the bare loop made ${made} ${measure.throughputUnit}, below ${leastBare} the server is what is measured`
  }
  const demands = `at least ${decimals(floor, 2)} (goal ${decimals(goal, 2)})`
  return `${ratio < floor ? "FAILED" : "ok"}: ${decimals(ratio, 2)} of the bare loop, ${demands}`
}

function decimals(value: number, digits: number): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
