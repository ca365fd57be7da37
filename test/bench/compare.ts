import { startCloudProcess } from "../../lib/demo/cloud/remote.ts"
import type { BareLoopSetup } from "./bare-loop.ts"
import type { Benchmark } from "./benchmarks.ts"
import type { CopyStepSetup } from "./copy-step.ts"
import { medianOf, scratchFolder } from "./measure.ts"
import { type Round, startWorker } from "./worker.ts"
import { fillOrigin } from "./workload.ts"

/** How one side did. */
export interface Side {
  /** Median, in the benchmark's unit. */
  readonly throughput: number
  /** One for each repeat, in their order. */
  readonly throughputs: readonly number[]
  /** Median, in the benchmark's unit. */
  readonly cpu: number
  /** The most over all repeats. */
  readonly peakRssBytes: number
}

export interface Comparison {
  readonly benchmark: Benchmark
  readonly bare: Side
  readonly copy: Side
  /** Absent where the bare loop was too slow to say anything about the copy. */
  readonly ratio: number | undefined
}

/**
 * Runs both sides against one server by turns, so that whatever else the machine does troubles both. A first round
 * of each is not counted: it opens connections and warms up the compiler.
 */
export async function compare(benchmark: Benchmark, repeats: number): Promise<Comparison> {
  const { workload } = benchmark
  await using cloud = await startCloudProcess({ faults: false, logEntries: false, sink: "discard" })
  await fillOrigin(cloud, workload)
  using folder = scratchFolder()
  const { url } = cloud
  await using bareLoop = startWorker("bare-loop.ts", { url, workload } satisfies BareLoopSetup)
  await using copyStep = startWorker("copy-step.ts", {
    url,
    workload,
    folder: folder.path,
  } satisfies CopyStepSetup)
  const bareRounds: Round[] = []
  const copyRounds: Round[] = []
  for (let repeat = 0; repeat <= repeats; repeat++) {
    bareRounds.push(await bareLoop.round())
    copyRounds.push(await copyStep.round())
  }
  const bare = sideOf(benchmark, bareRounds.slice(1))
  const copy = sideOf(benchmark, copyRounds.slice(1))
  const ratio = bare.throughput < benchmark.leastBare ? undefined : copy.throughput / bare.throughput
  return { benchmark, bare, copy, ratio }
}

function sideOf({ measure, workload }: Benchmark, rounds: readonly Round[]): Side {
  const throughputs = rounds.map(({ seconds }) => measure.amount(workload) / seconds)
  return {
    throughput: medianOf(throughputs),
    throughputs,
    cpu: medianOf(rounds.map(({ cpuSeconds }) => measure.cpu(cpuSeconds, workload))),
    peakRssBytes: Math.max(...rounds.map(({ peakRssBytes }) => peakRssBytes)),
  }
}
