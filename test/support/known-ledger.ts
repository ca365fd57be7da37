import { recordStudyFailure } from "../../lib/ledger/retries.ts"
import { endRun } from "../../lib/ledger/runs.ts"
import { moveStanding, recordStudy } from "../../lib/ledger/studies.ts"
import { beginAll, COPIED, copyHeld, FAILED, GIVEN_UP, MISSING, settle } from "./copying.ts"
import { chestStudy, HOUR, mustClaim, newCohort, newRun, type TestLedger, testLedger } from "./ledger.ts"

const OTHER_BOX = { host: "box", bootId: "boot", pid: 7, processStart: "1" }

/**
 * A ledger with one of everything: `a` complete, `b` in every kind of trouble, `c` withdrawn, `d` out of cohort, `e`
 * waiting, `f` just being copied, `g` with a receipt that cannot be written. Two copies ran, the second still does.
 */
export function knownLedger(): TestLedger {
  const bench = testLedger()
  const { ledger, cohortId, clock } = bench
  for (const id of ["a", "b", "c", "d", "e", "f", "g"]) recordStudy(ledger, chestStudy(id), cohortId)
  clock.advance(60_000)
  const night = newRun(ledger, OTHER_BOX)
  copyHeld(ledger, mustClaim(ledger, night, "a"))
  const endings = [COPIED, FAILED, MISSING, GIVEN_UP]
  copyHeld(ledger, mustClaim(ledger, night, "b"), (position) => endings[position]!)
  recordStudyFailure(ledger, "g", {
    verdict: "give-up",
    errorClass: "DestinationConflict",
    errorMessage: "a receipt that is not ours stands there",
  })
  clock.advance(30_500)
  endRun(ledger, night, "failed", { studies: 2 })
  endRun(ledger, bench.runId, "done", {})
  clock.advance(HOUR)
  const next = newCohort(ledger, bench.runId)
  ledger.write((tally) => {
    moveStanding(ledger, tally, "c", {
      standing: "withdrawn",
      reason: "not a demo organization",
      cohortId: next,
    })
    moveStanding(ledger, tally, "d", {
      standing: "out_of_cohort",
      reason: "report by a chosen doctor",
      cohortId: next,
    })
  })
  const running = newRun(ledger, OTHER_BOX)
  const claim = mustClaim(ledger, running, "f")
  const [first] = beginAll(ledger, claim)
  settle(ledger, claim, first!, {
    ...COPIED,
    size: 2_500_000,
    bytes: 2_500_000,
    warning: "no DICM at byte 128",
  })
  return bench
}
