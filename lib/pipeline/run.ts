import type { Stop } from "../support/stop.ts"
import { type CopyReport, type CopyStepDeps, copyStudies } from "./copy.ts"
import type { Listing } from "./copy-report.ts"
import type { DiscoverDeps } from "./decision.ts"
import { type DiscoverReport, discover } from "./discover.ts"
import type { Terms } from "./estimate.ts"
import { type Preview, previewCopy } from "./preview.ts"

export interface RunOptions {
  /** At most so many studies, those with the newest signed report. */
  readonly limit?: number | undefined
  /** Studies in flight. */
  readonly concurrency: number
  /** Which results the report lists, `all` unless told. */
  readonly listing?: Listing
}

export interface RunReport {
  readonly discovery: DiscoverReport
  readonly copy: CopyReport
}

/** The whole job, one step after the other. */
export async function run(
  deps: DiscoverDeps & CopyStepDeps,
  { limit, ...options }: RunOptions,
  stop: Stop,
): Promise<RunReport> {
  const discovery = await discover(deps, { limit }, stop)
  const copy = await copyStudies(deps, { limit, ...options }, stop)
  return { discovery, copy }
}

export interface RunPreview {
  readonly discovery: DiscoverReport
  /** Of what the ledger knows already: what the discovery would add is among its new and changed studies. */
  readonly copy: Preview
}

/** What a run would decide and what it would copy; nothing is recorded. */
export async function previewRun(
  deps: DiscoverDeps,
  { limit }: Pick<RunOptions, "limit">,
  terms: Terms,
  stop: Stop,
): Promise<RunPreview> {
  const discovery = await discover(deps, { limit, dryRun: true }, stop)
  return { discovery, copy: previewCopy(deps.ledger, { limit }, terms) }
}
