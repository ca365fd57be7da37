import { nextTryAt } from "./next-try.ts"
import { type LedgerObject, objectsOf, queueAgain } from "./objects.ts"
import type { Ledger } from "./open.ts"
import { refreshStudy } from "./studies.ts"

/** A failure of the study as a whole: its listing or its receipt. */
export function recordStudyFailure(
  ledger: Ledger,
  studyId: string,
  failure: {
    readonly verdict: "retry" | "give-up"
    readonly errorClass: string
    readonly errorMessage: string
  },
) {
  ledger.write((tally) => {
    ledger.db
      .query(
        `update studies set verdict = $verdict, error_class = $errorClass, error_message = $errorMessage,
           next_try_at = $nextTryAt where study_id = $studyId`,
      )
      .run({ studyId, ...failure, nextTryAt: failure.verdict === "retry" ? nextTryAt(ledger, 1) : null })
    refreshStudy(ledger, tally, studyId)
  })
}

/** The study as a whole is well again. */
export function clearStudyFailure(ledger: Ledger, studyId: string) {
  ledger.db
    .query(
      `update studies set verdict = null, error_class = null, error_message = null, next_try_at = null
       where study_id = $studyId and verdict is not null`,
    )
    .run({ studyId })
}

/** Queues objects of a study again, by choice of the caller. @returns how many */
export function queueObjects(
  ledger: Ledger,
  studyId: string,
  choose: (object: LedgerObject) => boolean,
  options: { readonly forced?: boolean } = {},
): number {
  return ledger.write((tally) => {
    const chosen = objectsOf(ledger, studyId).filter(choose)
    for (const object of chosen) queueAgain(ledger, tally, object, options)
    refreshStudy(ledger, tally, studyId)
    return chosen.length
  })
}

/** Queues again what was given up: of these studies, or of all. @returns how many objects */
export function retryGivenUp(ledger: Ledger, studyIds: readonly string[] = []): number {
  return ledger.write(() => {
    const given = ledger.db
      .query<{ studyId: string }, []>(
        `select distinct study_id as studyId from objects where state in ('failed', 'missing') and verdict = 'give-up'
         union select study_id from studies where verdict = 'give-up'`,
      )
      .all()
      .filter(({ studyId }) => studyIds.length === 0 || studyIds.includes(studyId))
    let queued = 0
    for (const { studyId } of given) {
      clearStudyFailure(ledger, studyId)
      const isGivenUp = ({ state, verdict }: LedgerObject) => verdict === "give-up" && state !== "retired"
      queued += queueObjects(ledger, studyId, isGivenUp)
    }
    return queued
  })
}

/** Missing objects are looked for during 30 days; then a person has to ask. @returns how many were given up */
export function giveUpLongMissing(ledger: Ledger): number {
  return ledger.write((tally) => {
    const limit = new Date(ledger.clock.now().getTime() - 30 * 86_400_000).toISOString()
    const given = ledger.db
      .query<{ studyId: string }, { limit: string }>(
        `update objects set verdict = 'give-up', next_try_at = null
         where state = 'missing' and verdict = 'missing' and missing_since < $limit returning study_id as studyId`,
      )
      .all({ limit })
    for (const studyId of new Set(given.map((row) => row.studyId))) refreshStudy(ledger, tally, studyId)
    return given.length
  })
}
