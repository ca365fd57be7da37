import { beginDiscovering, endDiscovering } from "../../ledger/discovering.ts"
import type { Ledger } from "../../ledger/open.ts"
import type { Log } from "../../support/log.ts"

/** Two looks at the ledger by one who waits. */
const POLL_MS = 1000

/**
 * Waits until no other discovery records anything in this ledger, and keeps others waiting until it is disposed of. To
 * be had before the snapshot is taken: so snapshots are recorded in the order in which they were taken.
 */
export async function discoveryTurn(
  { ledger, log, runId }: { readonly ledger: Ledger; readonly log: Log; readonly runId: number },
  signal: AbortSignal,
): Promise<Disposable> {
  for (let isTold = false; ; isTold = true) {
    const other = beginDiscovering(ledger, runId)
    if (other === undefined) return { [Symbol.dispose]: () => endDiscovering(ledger, runId) }
    if (!isTold) log.info({ ...other }, "waiting for another discovery to end")
    await ledger.clock.delay(POLL_MS, signal)
  }
}
