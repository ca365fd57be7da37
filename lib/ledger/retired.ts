import { type LedgerObject, objectsOf } from "./objects.ts"
import type { Ledger } from "./open.ts"

/** What the database lists no longer, and what stands at the destination all the same as far as the ledger knows. */
export type RetiredObject = LedgerObject & { readonly generation: string }

export function retiredObjects(ledger: Ledger, studyId: string): RetiredObject[] {
  return objectsOf(ledger, studyId).filter(isRetired)
}

function isRetired(object: LedgerObject): object is RetiredObject {
  return object.state === "retired" && object.generation !== null
}

/** It does not stand there any more. Nothing happens when it is wanted again, or is another one by now. */
export function forgetRetired(ledger: Ledger, { studyId, position, generation }: RetiredObject) {
  ledger.write(() =>
    ledger.db
      .query(
        `update objects set size = null, crc32c = null, generation = null, source_etag = null, copied_at = null
         where study_id = $studyId and position = $position and state = 'retired' and generation = $generation`,
      )
      .run({ studyId, position, generation }),
  )
}
