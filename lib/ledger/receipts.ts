import { assertClaimed } from "./attempts.ts"
import type { Claim } from "./claims.ts"
import type { Ledger } from "./open.ts"
import { refreshStudy } from "./studies.ts"

/**
 * The intent: from now on a receipt of this hash may stand at the destination. What changes from here on makes the
 * receipt stale again, also while it is being written.
 * @throws ClaimLost
 */
export function recordReceiptIntent(ledger: Ledger, claim: Claim, hash: string) {
  ledger.write(() => {
    assertClaimed(ledger, claim)
    ledger.db
      .query("update studies set receipt_intent = $hash, receipt_stale = 0 where study_id = $studyId")
      .run({ studyId: claim.studyId, hash })
  })
}

/** The result: this receipt stands there. @throws ClaimLost */
export function recordReceipt(
  ledger: Ledger,
  claim: Claim,
  receipt: { readonly hash: string; readonly generation: string },
) {
  ledger.write(() => {
    assertClaimed(ledger, claim)
    ledger.db
      .query(
        `update studies set receipt_intent = null, receipt_hash = $hash,
           receipt_generation = $generation where study_id = $studyId`,
      )
      .run({ studyId: claim.studyId, ...receipt })
  })
}

/** The receipt is not there, or not ours any more: the next copy writes it anew. */
export function forgetReceipt(ledger: Ledger, studyId: string) {
  ledger.write((tally) => {
    ledger.db
      .query(
        `update studies set receipt_stale = 1, receipt_hash = null, receipt_generation = null
         where study_id = $studyId`,
      )
      .run({ studyId })
    refreshStudy(ledger, tally, studyId)
  })
}

/**
 * Ids of studies that have a receipt which says something else than it should, and nothing to copy. Read in pages: a
 * statement left open over other writes would hold its snapshot and be refused them.
 */
export function* staleReceipts(ledger: Ledger): Generator<string, void, void> {
  const page = ledger.db.query<{ studyId: string }, { after: string }>(
    `select study_id as studyId from studies s
     where receipt_stale = 1 and receipt_generation is not null and verdict is null and study_id > $after
       and not exists (select 1 from objects o
         where o.study_id = s.study_id and o.state in ('pending', 'failed', 'missing'))
     order by study_id limit 500`,
  )
  for (let after = ""; ; ) {
    const ids = page.all({ after }).map(({ studyId }) => studyId)
    yield* ids
    const last = ids.at(-1)
    if (last === undefined) return
    after = last
  }
}
