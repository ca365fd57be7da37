import type { Ledger } from "./open.ts"

/** 1 h after the first failure, doubled with each, 24 h at most. */
export function nextTryAt(ledger: Ledger, tries: number): string {
  const hours = Math.min(24, 2 ** Math.max(0, tries - 1))
  return new Date(ledger.clock.now().getTime() + hours * 3_600_000).toISOString()
}
