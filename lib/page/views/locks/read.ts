import { type HeldClaim, heldClaims } from "../../../ledger/claims.ts"
import { type Discovering, discovering } from "../../../ledger/discovering.ts"
import type { Ledger } from "../../../ledger/open.ts"
import { type FailureLine, failuresOfClass } from "../../../ledger/page/failures.ts"
import { type SeriesInFlight, seriesInFlight } from "../../../ledger/page/in-flight.ts"
import { type LockLine, ownLines } from "../../../operate/locks/lines.ts"

/** Who holds what, by the ledger alone. */
export interface LocksData {
  /** Of this ledger, the oldest first. */
  readonly locks: readonly LockLine[]
  /** Series that met somebody else's lock when they were tried last. */
  readonly foreign: { readonly lines: readonly FailureLine[]; readonly isAll: boolean }
  readonly studies: readonly HeldClaim[]
  readonly series: readonly SeriesInFlight[]
  /** Whose discovery may write now. */
  readonly discovering: Discovering | undefined
}

/** Nobody reads more of them. */
const MOST = 50

export function readLocks(ledger: Ledger): LocksData {
  return ledger.read(() => ({
    locks: ownLines(ledger),
    foreign: foreignLocks(ledger),
    studies: heldClaims(ledger),
    series: seriesInFlight(ledger),
    discovering: discovering(ledger),
  }))
}

function foreignLocks(ledger: Ledger): LocksData["foreign"] {
  const met = (["retry", "give-up"] as const).map((verdict) =>
    failuresOfClass(ledger, { verdict, errorClass: "LockAcquisitionError" }, { limit: MOST }),
  )
  return { lines: met.flatMap(({ lines }) => lines), isAll: met.every(({ next }) => next === undefined) }
}
