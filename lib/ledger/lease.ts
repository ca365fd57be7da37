import type { Ledger } from "./open.ts"

/** A claim that is not renewed for this long is anybody's. */
export const LEASE_MS = 60_000
/** How often a holder renews. */
export const HEARTBEAT_MS = 10_000

/** Computed while the write lock is held, so that waiting for it does not shorten the lease. */
export function leaseEnd(ledger: Ledger): string {
  return new Date(ledger.clock.now().getTime() + LEASE_MS).toISOString()
}
