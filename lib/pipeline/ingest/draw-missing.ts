import { claimSeries, releaseSeries, type SeriesClaim } from "../../ledger/cod/claims.ts"
import { openLocks } from "../../ledger/cod/locks.ts"
import { type LedgerSeries, seriesByNo } from "../../ledger/cod/series.ts"
import {
  countWithoutThumbnail,
  recordThumbnail,
  seriesWithoutThumbnail,
  type Undrawn,
} from "../../ledger/cod/thumbnails.ts"
import { ClaimLost } from "../../ledger/errors.ts"
import { verdictOf } from "../../support/errors.ts"
import { acquireUnless, forEachLimit } from "../../support/pool.ts"
import type { Stop } from "../../support/stop.ts"
import type { IngestStepDeps } from "./deps.ts"
import { thumbnailFailure } from "./pack-files.ts"
import { packWhole } from "./pack-series.ts"
import type { SeriesEnd } from "./series-end.ts"
import { leaveHanging, recordFailure } from "./series-failure.ts"

/** Thumbnails of series that had been packed without. */
export interface DrawnThumbnails {
  readonly made: number
  readonly failed: number
  /** Series that turned out to have been overwritten by somebody else, and that were packed again. */
  readonly lost: number
}

/** Series that are under way or wait for their turn. */
const SERIES_IN_FLIGHT = 8

/**
 * Makes thumbnails of series that were packed without, or whose failed ones are to be tried again. Those that are being
 * packed, or whose locks are not settled, are left to who packs them.
 */
export async function drawMissing(
  deps: IngestStepDeps,
  { draw, studyIds }: { readonly draw: Undrawn; readonly studyIds: readonly string[] },
  stop: Stop,
): Promise<DrawnThumbnails> {
  const { ledger, log, progress } = deps
  const drawn = { made: 0, failed: 0, lost: 0 }
  const series = deps.thumbnails === undefined ? 0 : countWithoutThumbnail(ledger, draw, studyIds)
  if (series === 0) return drawn
  log.info({ series }, "thumbnails of packed series are made")
  const drawOne = async (series: LedgerSeries, signal: AbortSignal) => {
    using place = await acquireUnless(deps.packing, stop.requested)
    if (place === undefined) return
    const end = await drawSeries(deps, series, signal)
    drawn.made += end?.thumbnail === "made" ? 1 : 0
    drawn.failed += end?.thumbnail === "failed" ? 1 : 0
    drawn.lost += end?.wasLost === true ? 1 : 0
    progress.tick(1, series.seriesUid)
  }
  progress.start(series, "thumbnails")
  try {
    const undrawn = seriesWithoutThumbnail(ledger, draw, studyIds)
    await forEachLimit(undrawn, SERIES_IN_FLIGHT, drawOne, stop.forced)
  } finally {
    progress.stop()
  }
  return drawn
}

async function drawSeries(
  deps: IngestStepDeps,
  { seriesNo }: LedgerSeries,
  signal: AbortSignal,
): Promise<Pick<SeriesEnd, "thumbnail" | "wasLost"> | undefined> {
  const { ledger, commits, runId } = deps
  const claim = await commits.add(() => claimSeries(ledger, runId, seriesNo))
  if (claim === undefined) return undefined
  try {
    const series = seriesByNo(ledger, seriesNo)!
    if (series.state !== "packed" || openLocks(ledger, seriesNo).length > 0) return undefined
    return await packWhole(deps, { series, claim, files: [], unfinished: { afterCrash: false } }, signal)
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
): Promise<Pick<SeriesEnd, "thumbnail" | "wasLost"> | undefined> {
  if (signal.aborted || verdictOf(error) === "stop") throw error
  if (error instanceof ClaimLost) return undefined
  const { ledger, commits, log } = deps
  log.warn({ err: error, series: claim.seriesNo }, "no thumbnail could be made of the series")
  if (leaveHanging(error)) await recordFailure(deps, claim, error)
  await commits.add(() => recordThumbnail(ledger, claim, thumbnailFailure(error)))
  return { thumbnail: "failed" }
}
