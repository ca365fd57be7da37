import type { RunCounts } from "../ledger/runs.ts"
import type { Stop } from "../support/stop.ts"
import { type CopyReport, type CopyStepDeps, copyStudies } from "./copy/copy.ts"
import type { Listing } from "./copy/copy-report.ts"
import type { Terms } from "./copy/estimate.ts"
import { type Preview, previewCopy } from "./copy/preview.ts"
import type { DiscoverDeps } from "./discover/decision.ts"
import { type DiscoverReport, discover } from "./discover/discover.ts"
import type { IngestStepDeps } from "./ingest/deps.ts"
import { ingestStudies } from "./ingest/ingest.ts"
import type { IngestReport } from "./ingest/ingest-report.ts"
import { ingestStudy } from "./ingest/ingest-study.ts"

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
  /** With what became of the series of each study that was copied. */
  readonly copy: CopyReport
  /** Of what was copied before; undefined when a limit ended the run. */
  readonly ingest: IngestReport | undefined
}

export interface RunDeps extends DiscoverDeps, CopyStepDeps {
  readonly runId: number
  readonly ingest: IngestStepDeps
}

/**
 * The whole job, one step after the other; but the series of a study are packed as soon as it was copied, from the files
 * that are on this box still.
 */
export async function run(deps: RunDeps, options: RunOptions, stop: Stop): Promise<RunReport> {
  const discovery = await discover(deps, { limit: options.limit }, stop)
  return { discovery, ...(await copyAndPack(deps, options, stop)) }
}

/** What a run does with what is known. */
export async function copyAndPack(
  deps: CopyStepDeps & Pick<RunDeps, "ingest">,
  { limit, ...options }: RunOptions,
  stop: Stop,
): Promise<Pick<RunReport, "copy" | "ingest">> {
  const tried = new Set<string>()
  const pack = async (studyId: string, each: Stop) => {
    const packing = await ingestStudy(deps.ingest, studyId, each)
    if (packing.errors.length > 0) tried.add(studyId)
    return packing
  }
  const copy = await copyStudies({ ...deps, pack }, { limit, ...options }, stop)
  if (deps.limits.ended !== undefined || stop.requested.aborted) return { copy, ingest: undefined }
  const { listing } = options
  const ingest = await ingestStudies(deps.ingest, { limit, tried, ...(listing && { listing }) }, stop)
  return { copy, ingest }
}

/** Whether nothing failed. */
export function isWell({ copy, ingest }: RunReport): boolean {
  return copy.totals.failed === 0 && (ingest?.totals.failed ?? 0) === 0
}

/** A run as `--json` tells it: the report of its copy, and what was packed beside. */
export function runDocument({ copy, ingest }: RunReport) {
  return { ...copy, ...(ingest && { ingest }) }
}

/** What the ledger's row of the run tells. */
export function runCounts({ copy, ingest }: RunReport): RunCounts {
  const { studies: packed_later = 0, failed: not_packed = 0, series_lost = 0 } = ingest?.totals ?? {}
  const thumbnails_made = copy.totals.thumbnails_made + (ingest?.totals.thumbnails_made ?? 0)
  const thumbnails_failed = copy.totals.thumbnails_failed + (ingest?.totals.thumbnails_failed ?? 0)
  return { ...copy.totals, packed_later, not_packed, series_lost, thumbnails_made, thumbnails_failed }
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
