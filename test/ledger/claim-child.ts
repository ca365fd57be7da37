import { claimNext } from "../../lib/ledger/claims.ts"
import { openLedger } from "../../lib/ledger/open.ts"
import { endRun } from "../../lib/ledger/runs.ts"
import { copyHeld } from "../support/copying.ts"
import { newRun } from "../support/ledger.ts"

/**
 * A process of its own that claims a study and says which. When its standard input ends it copies that one and whatever
 * else it can claim, and prints the ids.
 */
if (import.meta.main) {
  using ledger = openLedger(process.argv[2]!)
  const runId = newRun(ledger)
  let claim = claimNext(ledger, runId)
  console.error(`holds ${claim?.studyId}`)
  await Bun.stdin.text()
  const taken: string[] = []
  for (; claim !== undefined; claim = claimNext(ledger, runId)) {
    taken.push(claim.studyId)
    copyHeld(ledger, claim)
  }
  endRun(ledger, runId, "done", {})
  console.log(JSON.stringify(taken))
}
