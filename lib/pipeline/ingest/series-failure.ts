import { LockAcquisitionError, StoredDiffersError, TarDisagreesError, TooLarge } from "../../cod/index.ts"
import type { SeriesClaim } from "../../ledger/cod/claims.ts"
import { openLocks, recordLockHanging } from "../../ledger/cod/locks.ts"
import { recordSeriesFailure } from "../../ledger/cod/series.ts"
import { describeError, verdictOf } from "../../support/errors.ts"
import type { IngestDeps } from "./deps.ts"

/**
 * A lock is left standing only for what a person has to look at before anybody writes the series again: what we wrote is
 * not what stands there, tar and metadata disagree, or the series is too large for one more file.
 */
export function leaveHanging(error: unknown): boolean {
  return (
    error instanceof StoredDiffersError || error instanceof TarDisagreesError || error instanceof TooLarge
  )
}

/** Records what a claimed series failed with as a whole, and that its lock hangs where it does. @throws ClaimLost */
export async function recordFailure(
  { ledger, commits }: Pick<IngestDeps, "ledger" | "commits">,
  claim: SeriesClaim,
  error: unknown,
): Promise<void> {
  const { class: errorClass, message: errorMessage } = describeError(error)
  const hangs = leaveHanging(error)
  const verdict = hangs || !passes(error) ? "give-up" : "retry"
  await commits.add((tally) => {
    const [lock] = openLocks(ledger, claim.seriesNo)
    if (hangs && lock !== undefined) recordLockHanging(ledger, lock.token, `${errorClass}: ${errorMessage}`)
    recordSeriesFailure(ledger, tally, claim, { verdict, errorClass, errorMessage })
  })
}

/** Whoever holds the lock lets go of it some time, and what could not be reached can be later. */
export function passes(error: unknown): boolean {
  return ["retry", "missing"].includes(verdictOf(error)) || error instanceof LockAcquisitionError
}
