import { claimSeries, releaseSeries, type SeriesClaim } from "../../ledger/cod/claims.ts"
import { filesToPack } from "../../ledger/cod/instances.ts"
import type { LedgerSeries } from "../../ledger/cod/series.ts"
import { ClaimLost } from "../../ledger/errors.ts"
import { describeError, verdictOf } from "../../support/errors.ts"
import type { IngestDeps } from "./deps.ts"
import { type Packing, packFiles } from "./pack-files.ts"
import type { SeriesEnd } from "./series-end.ts"
import { recordFailure } from "./series-failure.ts"
import { settleLock } from "./settle-locks.ts"

/**
 * Packs what a study has for a series: claims the series, ends what a crash left of it, appends the files to its tar, and
 * records what became of each. A failure of the series is part of the result; what is thrown ends the run.
 */
export async function packSeries(
  deps: IngestDeps,
  series: LedgerSeries,
  studyId: string,
  signal?: AbortSignal,
): Promise<SeriesEnd> {
  const { ledger, commits, runId } = deps
  const claim = await commits.add(() => claimSeries(ledger, runId, series.seriesNo))
  if (claim === undefined) return { outcome: "held by another run", files: [], errors: [] }
  try {
    return await packClaimed(deps, series, studyId, claim, signal)
  } catch (error) {
    return await failed(deps, series, { claim, error }, signal)
  } finally {
    await commits.add(() => releaseSeries(ledger, claim))
  }
}

async function packClaimed(
  deps: IngestDeps,
  series: LedgerSeries,
  studyId: string,
  claim: SeriesClaim,
  signal?: AbortSignal,
): Promise<SeriesEnd> {
  const { seriesNo } = series
  const unfinished = await settleLock(deps, claim, series, signal)
  // What a crash cut off may have been of another study: it is finished as a whole.
  const files = filesToPack(deps.ledger, seriesNo, unfinished.afterCrash ? undefined : studyId)
  return await packWhole(deps, { series, claim, files, unfinished }, signal)
}

/** Packs files of a claimed series; where somebody had overwritten what was packed before, all that is gone, too. */
export async function packWhole(
  deps: IngestDeps,
  packing: Packing,
  signal?: AbortSignal,
): Promise<SeriesEnd> {
  const { ledger, log } = deps
  const { series, claim } = packing
  const packed = await packFiles(deps, packing, signal)
  if (packed.wasLost !== true) return packed
  log.warn(
    { series: series.seriesUid },
    "somebody has overwritten the series since it was packed: it is packed again",
  )
  const files = filesToPack(ledger, series.seriesNo)
  const again = await packFiles(deps, { series, claim, files, unfinished: { afterCrash: false } }, signal)
  return {
    ...again,
    files: [...packed.files, ...again.files.filter(({ result }) => result === "new")],
    wasLost: true,
  }
}

/** @throws what ends the run */
async function failed(
  deps: IngestDeps,
  { seriesUid }: LedgerSeries,
  { claim, error }: { readonly claim: SeriesClaim; readonly error: unknown },
  signal?: AbortSignal,
): Promise<SeriesEnd> {
  if (signal?.aborted === true || verdictOf(error) === "stop") throw error
  const { class: errorClass, message } = describeError(error)
  if (!(error instanceof ClaimLost)) await recordFailure(deps, claim, error)
  return { outcome: "failed", files: [], errors: [`series ${seriesUid}: ${errorClass}: ${message}`] }
}
