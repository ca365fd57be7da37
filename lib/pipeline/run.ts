import type { Stop } from "../support/stop.ts"
import { type CopyReport, type CopyStepDeps, copyStudies } from "./copy.ts"
import { type DiscoverDeps, type DiscoverReport, discover } from "./discover.ts"

export interface RunOptions {
  /** At most so many studies, those with the newest signed report. */
  readonly limit?: number | undefined
  /** Studies in flight. */
  readonly concurrency: number
}

export interface RunReport {
  readonly discovery: DiscoverReport
  readonly copy: CopyReport
}

/** The whole job, one step after the other. */
export async function run(
  deps: DiscoverDeps & CopyStepDeps,
  { limit, concurrency }: RunOptions,
  stop: Stop,
): Promise<RunReport> {
  const discovery = await discover(deps, { limit }, stop)
  const copy = await copyStudies(deps, { limit, concurrency }, stop)
  return { discovery, copy }
}
