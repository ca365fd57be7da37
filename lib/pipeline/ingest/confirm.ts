import { LOCK_NAMES, lockKey } from "../../cod/format/layout.ts"
import { CODObject, CODObjectNotFoundError } from "../../cod/index.ts"
import { confirmSeries, type LedgerSeries, unconfirmedSeries } from "../../ledger/cod/series.ts"
import { verdictOf } from "../../support/errors.ts"
import { forEachLimit } from "../../support/pool.ts"
import type { Stop } from "../../support/stop.ts"
import type { IngestDeps } from "./deps.ts"
import { queueLost } from "./lost-files.ts"
import { keysOf, placeOf } from "./series-place.ts"

/** The one that the Python package takes. */
const THEIR_LOCK = LOCK_NAMES[1]

/** Series that are looked at at a time. */
const LOOKS_IN_FLIGHT = 16

/**
 * Looks once more at what earlier runs packed. The Python package reads metadata before it takes its lock: one that read
 * them before we wrote has put its own in place of ours, and what we packed is gone without anybody being told. By the
 * next run it has its lock, and may still hold it: then a later one looks again. Without a lock one look is enough.
 * @returns how many series are to be packed again
 */
export async function confirmPacked(deps: IngestDeps, stop: Stop): Promise<number> {
  const { ledger, runId } = deps
  let lost = 0
  const confirmOne = async (series: LedgerSeries, signal: AbortSignal) => {
    if (stop.requested.aborted) return
    try {
      if (!(await confirm(deps, series, signal))) lost += 1
    } catch (error) {
      if (signal.aborted || verdictOf(error) === "stop") throw error
      deps.log.warn(
        { err: error, series: series.seriesUid },
        "a series could not be looked at; the next run does it",
      )
    }
  }
  await forEachLimit(unconfirmedSeries(ledger, runId), LOOKS_IN_FLIGHT, confirmOne, stop.forced)
  return lost
}

/** @returns false when something that we packed is not there, and was queued again */
async function confirm(deps: IngestDeps, series: LedgerSeries, signal: AbortSignal): Promise<boolean> {
  const { ledger, commits, datastore } = deps
  const place = placeOf(deps, series)
  // In this order: whoever lets go of it in between has written what is looked at then.
  const lock = await datastore.head(lockKey(place.studyUid, place.seriesUid, THEIR_LOCK), signal)
  const standing = await datastore.head(keysOf(deps, series).metadata, signal)
  if (standing?.generation === series.metadataGeneration) {
    if (lock === undefined) await commits.add(() => confirmSeries(ledger, series))
    return true
  }
  const metadata = standing === undefined ? undefined : await metadataNow(deps, series, signal)
  return await commits.add((tally) => {
    if (queueLost(deps, tally, series, metadata)) return false
    const { tarGeneration } = series
    if (lock === undefined)
      confirmSeries(ledger, series, { metadataGeneration: standing!.generation, tarGeneration })
    return true
  })
}

async function metadataNow(deps: IngestDeps, series: LedgerSeries, signal: AbortSignal) {
  try {
    const opened = { ...placeOf(deps, series), store: deps.datastore, lock: false }
    await using cod = await CODObject.open(opened, signal)
    return await cod.getMetadata(signal)
  } catch (error) {
    if (error instanceof CODObjectNotFoundError) return undefined
    throw error
  }
}
