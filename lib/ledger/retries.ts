import { nextTryAt } from "./next-try.ts"
import { type LedgerObject, objectAt, objectsOf, queueAgain } from "./objects.ts"
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

/** Which failures are meant; what is left out restricts nothing. */
export interface FailuresAmong {
  /** None: of every study. */
  readonly studyIds?: readonly string[]
  readonly errorClass?: string
}

/** Values of `FailuresAmong` in a statement. */
export function amongValues({ studyIds = [], errorClass = "" }: FailuresAmong) {
  return { ids: JSON.stringify(studyIds), errorClass }
}

/** The condition that a row is among them, for a statement with the values of `amongValues`. */
export const IS_AMONG = `($errorClass = '' or error_class = $errorClass)
  and ($ids = '[]' or study_id in (select value from json_each($ids)))`

/** Queues again what was given up: of these studies, or of all. @returns how many objects */
export function retryGivenUp(ledger: Ledger, studyIds: readonly string[] = []): number {
  return queueGivenUp(ledger, { studyIds }).objects
}

/** Queues again what was given up. @returns how many objects, and failures of a study as a whole */
export function queueGivenUp(
  ledger: Ledger,
  among: FailuresAmong,
): { readonly objects: number; readonly studies: number } {
  return ledger.write((tally) => {
    const values = amongValues(among)
    const studies = ledger.db
      .query<{ studyId: string }, typeof values>(
        `select study_id as studyId from studies where verdict = 'give-up' and ${IS_AMONG}`,
      )
      .all(values)
    const given = ledger.db
      .query<{ studyId: string; position: number }, typeof values>(
        `select study_id as studyId, position from objects
         where state in ('failed', 'missing') and verdict = 'give-up' and ${IS_AMONG}`,
      )
      .all(values)
    for (const { studyId } of studies) clearStudyFailure(ledger, studyId)
    for (const { studyId, position } of given) queueAgain(ledger, tally, objectAt(ledger, studyId, position)!)
    for (const studyId of new Set([...studies, ...given].map((row) => row.studyId)))
      refreshStudy(ledger, tally, studyId)
    return { objects: given.length, studies: studies.length }
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
