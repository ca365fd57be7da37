import { expect, test } from "bun:test"
import { failureCounts } from "../../../lib/ledger/page/failure-counts.ts"
import { recordStudyFailure } from "../../../lib/ledger/retries.ts"
import { recordStudy } from "../../../lib/ledger/studies.ts"
import { complete, GIVEN_UP, MISSING } from "../../support/copying.ts"
import { chestStudy, rows, type TestLedger, testLedger } from "../../support/ledger.ts"
import { packingLedger } from "../../support/packing-ledger.ts"

/** The same, by the view that tells each of them. */
function told({ ledger }: TestLedger) {
  const lines = rows<{ verdict: string }>(ledger, "select verdict from failures")
  const of = (verdict: string) => lines.filter((line) => line.verdict === verdict).length
  return { retry: of("retry"), missing: of("missing"), givenUp: of("give-up") }
}

test("An empty ledger has no failures", () => {
  using bench = testLedger()
  expect(failureCounts(bench.ledger)).toEqual({ retry: 0, missing: 0, givenUp: 0 })
})

test("Failures are counted as the view tells them: of objects and of studies", () => {
  using bench = testLedger()
  const { ledger, cohortId } = bench
  for (const id of ["a", "b", "c", "d"]) recordStudy(ledger, chestStudy(id), cohortId)
  complete(bench, "a", { failing: [0, 2] })
  complete(bench, "b", { failing: [1], as: MISSING })
  complete(bench, "c", { failing: [3], as: GIVEN_UP })
  const why = { errorClass: "OriginListing", errorMessage: "no page came" }
  recordStudyFailure(ledger, "d", { verdict: "retry", ...why })
  expect(failureCounts(ledger)).toEqual({ retry: 3, missing: 1, givenUp: 1 })
  expect(failureCounts(ledger)).toEqual(told(bench))
})

test("Failures are counted as the view tells them: of series, their files and their pictures", () => {
  using bench = packingLedger()
  bench.ledger.db.run(
    "update cod_series set thumbnail = 'failed', thumbnail_error_class = 'X' where state = 'packed'",
  )
  expect(failureCounts(bench.ledger).givenUp).toBeGreaterThan(3)
  expect(failureCounts(bench.ledger)).toEqual(told(bench))
})
