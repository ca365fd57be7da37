import { renewClaims } from "../ledger/claims.ts"
import { HEARTBEAT_MS } from "../ledger/lease.ts"
import type { Ledger } from "../ledger/open.ts"
import type { Log } from "../support/log.ts"

/** Renews a run's claims for as long as it lives; `lost` fires when that fails, for then nothing is ours. */
export function keepClaims(
  { ledger, runId, log }: { readonly ledger: Ledger; readonly runId: number; readonly log: Log },
  onBeat: () => void = () => undefined,
): Disposable & { readonly lost: AbortSignal } {
  const lost = new AbortController()
  const timer = setInterval(() => {
    try {
      renewClaims(ledger, runId)
      onBeat()
    } catch (error) {
      log.error({ err: error }, "claims could not be renewed")
      lost.abort(error)
    }
  }, HEARTBEAT_MS)
  return { lost: lost.signal, [Symbol.dispose]: () => clearInterval(timer) }
}
