import { claimSeries, releaseSeries, type SeriesClaim } from "../../ledger/cod/claims.ts"
import { type CopyBeingDeleted, copiesBeingDeleted, settleDeleting } from "../../ledger/cod/copies.ts"
import type { Ledger } from "../../ledger/open.ts"
import type { ObjectSource } from "../../storage/store.ts"
import { objectKey } from "../layout.ts"

export interface SettleDeps {
  readonly ledger: Ledger
  readonly destination: ObjectSource
  readonly runId: number
}

/**
 * Finds out, by asking the store, what became of raw copies that somebody began to delete and did not hear of: their bytes
 * were found in their series before that. What another run works on is its own matter.
 * @param held the claim on the one series that is meant; without it, all that nobody holds
 */
export async function settleDeletions(deps: SettleDeps, signal: AbortSignal, held?: SeriesClaim) {
  const { ledger, runId } = deps
  const open = copiesBeingDeleted(ledger)
  for (const [seriesNo, copies] of Map.groupBy(open, (copy) => copy.seriesNo)) {
    if (held?.seriesNo === seriesNo) await settle(deps, copies, signal)
    if (held !== undefined) continue
    const claim = claimSeries(ledger, runId, seriesNo)
    if (claim === undefined) continue
    try {
      await settle(deps, copies, signal)
    } finally {
      releaseSeries(ledger, claim)
    }
  }
}

async function settle(
  { ledger, destination }: SettleDeps,
  copies: readonly CopyBeingDeleted[],
  signal: AbortSignal,
) {
  for (const copy of copies) {
    const standing = await destination.head(objectKey(copy, copy.path), signal)
    ledger.write((tally) => settleDeleting(ledger, tally, copy, standing === undefined ? "gone" : "stands"))
  }
}
