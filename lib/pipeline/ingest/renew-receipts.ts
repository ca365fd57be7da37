import { staleReceipts } from "../../ledger/receipts.ts"
import { verdictOf } from "../../support/errors.ts"
import { forEachLimit } from "../../support/pool.ts"
import type { Stop } from "../../support/stop.ts"
import { renewReceipt } from "../receipts/receipt.ts"
import type { IngestDeps } from "./deps.ts"
import { seriesPlaces } from "./series-places.ts"

/** Receipts on their way at a time. */
const WRITES_IN_FLIGHT = 8

/**
 * Writes anew the receipts that say less than is known now, or what is not so any more. One that cannot be written is left
 * to the next copy.
 * @returns how many
 */
export async function renewReceipts(deps: IngestDeps, stop: Stop): Promise<number> {
  let renewed = 0
  const renewOne = async (studyId: string, signal: AbortSignal) => {
    if (stop.requested.aborted) return
    if (await renewReceiptOf(deps, studyId, signal)) renewed += 1
  }
  await forEachLimit(staleReceipts(deps.ledger), WRITES_IN_FLIGHT, renewOne, stop.forced)
  return renewed
}

/** The same for one study, if its receipt is stale and nothing of it is to be copied. @returns whether it was written */
export async function renewReceiptOf(
  deps: IngestDeps,
  studyId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { ledger, destination, runId, log } = deps
  const means = { ledger, destination, series: seriesPlaces(deps) }
  try {
    return await renewReceipt(means, runId, studyId, signal)
  } catch (error) {
    if (signal.aborted || verdictOf(error) === "stop") throw error
    log.warn({ err: error, study: studyId }, "a receipt could not be written anew; the next copy does it")
    return false
  }
}
