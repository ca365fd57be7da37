import type { LockJournal } from "../../cod/index.ts"
import type { SeriesClaim } from "../../ledger/cod/claims.ts"
import { recordLockEnd, recordLockIntent, recordLockTaken } from "../../ledger/cod/locks.ts"
import type { IngestDeps } from "./deps.ts"

/**
 * Keeps the locks of a claimed series in the ledger: each step is on disk before the next one is made, so that after a crash
 * the ledger knows of every lock that may stand.
 */
export function lockJournal(
  { ledger, commits }: Pick<IngestDeps, "ledger" | "commits">,
  claim: SeriesClaim,
): LockJournal {
  return {
    intends: (lock) => commits.add(() => recordLockIntent(ledger, claim, lock)),
    took: ({ token, held }) => commits.add(() => recordLockTaken(ledger, token, generationsOf(held))),
    ended: ({ token }, how) => commits.add(() => recordLockEnd(ledger, token, how)),
  }
}

/** Generations of a lock's objects, by name. */
export function generationsOf(
  objects: readonly { readonly name: string; readonly generation: string }[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(objects.map(({ name, generation }) => [name, generation]))
}
