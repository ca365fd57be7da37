import { type Attempt, beginAttempts } from "../../ledger/attempts.ts"
import type { Claim } from "../../ledger/claims.ts"
import type { GroupCommit } from "../../ledger/group-commit.ts"
import { isToTry, type LedgerObject, objectsOf } from "../../ledger/objects.ts"
import type { Ledger } from "../../ledger/open.ts"
import { studyById } from "../../ledger/studies.ts"
import type { Stop } from "../../support/stop.ts"

/** What there is to do for a claimed study, with the intents of its first objects. */
export interface StudyWork {
  readonly claim: Claim
  /** Its DICOM files are yet to be listed, and only then begun. */
  readonly listsOrigin: boolean
  /** Objects that are at the destination already. */
  readonly done: number
  /** Objects that are not, whether or not they are tried now. */
  readonly open: number
  /** Objects that were given up and are not tried. */
  readonly givenUp: readonly LedgerObject[]
  /** The operator asked for all of it again, whatever stands there. */
  readonly forced: boolean
  /** Tries whose intent is recorded, of the largest objects. */
  readonly begun: readonly Attempt[]
  /** Objects that are to be tried after these. */
  readonly rest: readonly LedgerObject[]
}

/** Intents of so many objects are one commit; a crash leaves a few times as many of a study to be settled. */
const BATCH = 32

/** Begins a study in the transaction that claims it: one flush of the disk for both. @throws ClaimLost */
export function beginStudy(ledger: Ledger, claim: Claim): StudyWork {
  const listsOrigin = studyById(ledger, claim.studyId)!.listsOrigin === 1
  return listsOrigin
    ? { claim, listsOrigin, done: 0, open: 0, givenUp: [], forced: false, begun: [], rest: [] }
    : beginObjects(ledger, claim)
}

/** Belongs into a transaction. @throws ClaimLost */
export function beginObjects(ledger: Ledger, claim: Claim): StudyWork {
  const objects = objectsOf(ledger, claim.studyId).filter(({ state }) => state !== "retired")
  const done = objects.filter(({ state }) => state === "copied").length
  const work = objects.filter(isToTry).sort(largestFirst)
  return {
    claim,
    listsOrigin: false,
    done,
    open: objects.length - done,
    givenUp: objects.filter((object) => object.state !== "copied" && !isToTry(object)),
    forced: objects.some(({ forced }) => forced === 1),
    begun: beginBatch(ledger, claim, work),
    rest: work.slice(BATCH),
  }
}

/** What takes longest must not be what a run begins last. Those whose size nobody knows are texts, mostly. */
function largestFirst(a: LedgerObject, b: LedgerObject): number {
  return (b.expectedSize ?? 0) - (a.expectedSize ?? 0) || a.position - b.position
}

/** Every try of the study in that order, the intents of the next ones recorded while those before are under way. */
export async function* triesOf(
  { ledger, commits }: { readonly ledger: Ledger; readonly commits: GroupCommit },
  { claim, begun, rest }: StudyWork,
  stop: Stop,
): AsyncGenerator<Attempt> {
  yield* begun
  for (let next = 0; next < rest.length && !stop.requested.aborted; next += BATCH) {
    yield* await commits.add(() => beginBatch(ledger, claim, rest.slice(next)))
  }
}

/** None when a fact of the study changed while it was being copied: then nothing more of it is. */
function beginBatch(ledger: Ledger, claim: Claim, objects: readonly LedgerObject[]): Attempt[] {
  const isWithdrawn = studyById(ledger, claim.studyId)!.standing === "withdrawn"
  return isWithdrawn ? [] : beginAttempts(ledger, claim, objects.slice(0, BATCH))
}
