import { claimSeries, releaseSeries, type SeriesClaim } from "../../ledger/cod/claims.ts"
import { openLocks } from "../../ledger/cod/locks.ts"
import { type LedgerSeries, seriesByNo } from "../../ledger/cod/series.ts"
import { recordThumbnail, seriesWithoutThumbnail } from "../../ledger/cod/thumbnails.ts"
import { ClaimLost } from "../../ledger/errors.ts"
import { verdictOf } from "../../support/errors.ts"
import { acquireUnless, forEachLimit } from "../../support/pool.ts"
import type { Stop } from "../../support/stop.ts"
import type { IngestStepDeps } from "./deps.ts"
import { packFiles, thumbnailFailure } from "./pack-files.ts"
import { leaveHanging, recordFailure } from "./series-failure.ts"

/** Thumbnails of series that had been packed without. */
export interface DrawnThumbnails {
  readonly made: number
  readonly failed: number
}

/** Series that are under way or wait for their turn. */
const SERIES_IN_FLIGHT = 8

/**
 * Makes thumbnails of series that were packed without, or whose failed ones are to be tried again. Those that are being
 * packed, or whose locks are not settled, are left to who packs them.
 */
export async function drawMissing(
  deps: IngestStepDeps,
  studyIds: readonly string[],
  stop: Stop,
): Promise<DrawnThumbnails> {
  const drawn = { made: 0, failed: 0 }
  const drawOne = async (series: LedgerSeries, signal: AbortSignal) => {
    using place = await acquireUnless(deps.packing, stop.requested)
    if (place === undefined) return
    const outcome = await drawSeries(deps, series, signal)
    if (outcome !== undefined) drawn[outcome] += 1
  }
  await forEachLimit(seriesWithoutThumbnail(deps.ledger, studyIds), SERIES_IN_FLIGHT, drawOne, stop.forced)
  return drawn
}

async function drawSeries(
  deps: IngestStepDeps,
  { seriesNo }: LedgerSeries,
  signal: AbortSignal,
): Promise<keyof DrawnThumbnails | undefined> {
  const { ledger, commits, runId } = deps
  const claim = await commits.add(() => claimSeries(ledger, runId, seriesNo))
  if (claim === undefined) return undefined
  try {
    const series = seriesByNo(ledger, seriesNo)!
    if (series.state !== "packed" || openLocks(ledger, seriesNo).length > 0) return undefined
    const packing = { series, claim, files: [], unfinished: { afterCrash: false } }
    const { thumbnail } = await packFiles(deps, packing, signal)
    return thumbnail === "made" || thumbnail === "failed" ? thumbnail : undefined
  } catch (error) {
    return await failed(deps, claim, error, signal)
  } finally {
    await commits.add(() => releaseSeries(ledger, claim))
  }
}

/** The series itself is packed and well, unless its lock has to be left hanging. @throws what ends the run */
async function failed(
  deps: IngestStepDeps,
  claim: SeriesClaim,
  error: unknown,
  signal: AbortSignal,
): Promise<"failed" | undefined> {
  if (signal.aborted || verdictOf(error) === "stop") throw error
  if (error instanceof ClaimLost) return undefined
  const { ledger, commits, log } = deps
  log.warn({ err: error, series: claim.seriesNo }, "no thumbnail could be made of the series")
  if (leaveHanging(error)) await recordFailure(deps, claim, error)
  await commits.add(() => recordThumbnail(ledger, claim, thumbnailFailure(error)))
  return "failed"
}
