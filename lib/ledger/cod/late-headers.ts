import { type LedgerObject, staleReceipt } from "../objects.ts"
import type { Ledger } from "../open.ts"
import { refreshStudy } from "../studies.ts"
import type { Tally } from "../tally.ts"
import { type HeaderResult, recordHeader } from "./headers.ts"

/**
 * Records a header that was not read when the file was copied. A receipt that was written meanwhile does not name the
 * file's series: it is stale. Belongs into a transaction.
 * @param object as it was before
 */
export function recordLateHeader(ledger: Ledger, tally: Tally, object: LedgerObject, result: HeaderResult) {
  recordHeader(ledger, tally, object, result)
  // Without a header, before and now, the receipt says the same.
  if ("error" in result && object.seriesNo === null) return
  staleReceipt(ledger, object.studyId)
  refreshStudy(ledger, tally, object.studyId)
}
