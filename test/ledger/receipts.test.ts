import { describe, expect, test } from "bun:test"
import { type Claim, releaseClaim } from "../../lib/ledger/claims.ts"
import { ClaimLost } from "../../lib/ledger/errors.ts"
import { forgetReceipt, recordReceipt, recordReceiptIntent } from "../../lib/ledger/receipts.ts"
import { clearStudyFailure, recordStudyFailure } from "../../lib/ledger/retries.ts"
import { recordStudy, studyById } from "../../lib/ledger/studies.ts"
import { wrongTotals } from "../../lib/ledger/totals.ts"
import { beginAll, COPIED, complete, settle } from "../support/copying.ts"
import {
  chestStudy,
  HOUR,
  image,
  metadata,
  mustClaim,
  report,
  T0,
  type TestLedger,
  testLedger,
} from "../support/ledger.ts"

/** A study whose objects are all at the destination, held. */
function copied({ ledger, runId, cohortId }: TestLedger): Claim {
  recordStudy(ledger, chestStudy("a"), cohortId)
  const claim = mustClaim(ledger, runId, "a")
  for (const attempt of beginAll(ledger, claim)) settle(ledger, claim, attempt, COPIED)
  return claim
}

const MORE = chestStudy("a", {
  sourceHash: "v2",
  objects: [metadata(), report("r1"), image("i1"), image("i2"), image("i3")],
})

describe("A study is complete", () => {
  test("when its objects are copied and its receipt stands, not before", () => {
    using bench = testLedger()
    const { ledger } = bench
    const claim = copied(bench)
    releaseClaim(ledger, claim, { seconds: 1 })
    expect(studyById(ledger, "a")).toMatchObject({ due: 1, completedAt: null, receiptStale: 1 })
    const again = mustClaim(ledger, bench.runId, "a")
    recordReceiptIntent(ledger, again, "h")
    recordReceipt(ledger, again, { hash: "h", generation: "5" })
    bench.clock.advance(HOUR)
    releaseClaim(ledger, again, { seconds: 1 })
    expect(studyById(ledger, "a")).toMatchObject({
      due: 0,
      completedAt: "2026-03-01T03:00:00.000Z",
      receiptStale: 0,
      receiptIntent: null,
      receiptHash: "h",
      receiptGeneration: "5",
    })
    expect(wrongTotals(ledger)).toEqual([])
  })

  test("not while the receipt may stand or may not: a crash between intent and result leaves it due", () => {
    using bench = testLedger()
    const { ledger } = bench
    const claim = copied(bench)
    recordReceiptIntent(ledger, claim, "h")
    releaseClaim(ledger, claim, { seconds: 1 })
    expect(studyById(ledger, "a")).toMatchObject({ due: 1, completedAt: null, receiptIntent: "h" })
  })

  test("not when an object was queued while the receipt was being written", () => {
    using bench = testLedger()
    const { ledger } = bench
    const claim = copied(bench)
    recordReceiptIntent(ledger, claim, "h")
    recordStudy(ledger, MORE, bench.cohortId)
    recordReceipt(ledger, claim, { hash: "h", generation: "5" })
    releaseClaim(ledger, claim, { seconds: 1 })
    expect(studyById(ledger, "a")).toMatchObject({ due: 1, completedAt: null, receiptStale: 1 })
  })

  test("not when an object left while the receipt was being written: it would still name it", () => {
    using bench = testLedger()
    const { ledger } = bench
    const claim = copied(bench)
    recordReceiptIntent(ledger, claim, "h")
    const fewer = chestStudy("a", { sourceHash: "v2", objects: [metadata(), report("r1"), image("i1")] })
    recordStudy(ledger, fewer, bench.cohortId)
    recordReceipt(ledger, claim, { hash: "h", generation: "5" })
    releaseClaim(ledger, claim, { seconds: 1 })
    expect(studyById(ledger, "a")).toMatchObject({ due: 1, completedAt: null, receiptGeneration: "5" })
  })

  test("not any more when something of it changed, until the receipt tells", () => {
    using bench = testLedger()
    const { ledger } = bench
    recordStudy(ledger, chestStudy("a"), bench.cohortId)
    complete(bench, "a")
    recordStudy(ledger, MORE, bench.cohortId)
    expect(studyById(ledger, "a")).toMatchObject({
      due: 1,
      completedAt: null,
      receiptStale: 1,
      receiptHash: "receipt-1",
    })
    complete(bench, "a")
    expect(studyById(ledger, "a")).toMatchObject({ due: 0, completedAt: T0, receiptStale: 0 })
  })

  test("not any more when its receipt is found missing", () => {
    using bench = testLedger()
    const { ledger } = bench
    recordStudy(ledger, chestStudy("a"), bench.cohortId)
    complete(bench, "a")
    forgetReceipt(ledger, "a")
    expect(studyById(ledger, "a")).toMatchObject({
      due: 1,
      completedAt: null,
      receiptStale: 1,
      receiptHash: null,
      receiptGeneration: null,
    })
    expect(wrongTotals(ledger)).toEqual([])
  })
})

test("A receipt is recorded by the holder of the study alone", () => {
  using bench = testLedger()
  const { ledger } = bench
  const claim = copied(bench)
  releaseClaim(ledger, claim, { seconds: 1 })
  mustClaim(ledger, bench.runId, "a")
  expect(() => recordReceiptIntent(ledger, claim, "h")).toThrow(ClaimLost)
  expect(() => recordReceipt(ledger, claim, { hash: "h", generation: "5" })).toThrow(ClaimLost)
  expect(studyById(ledger, "a")).toMatchObject({ receiptIntent: null, receiptHash: null, receiptStale: 1 })
})

describe("A failure of a study as a whole", () => {
  const failure = { errorClass: "DestinationConflict", errorMessage: "a receipt stands there" }

  test("that may pass leaves it due", () => {
    using bench = testLedger()
    const { ledger } = bench
    const claim = copied(bench)
    recordStudyFailure(ledger, "a", { verdict: "retry", ...failure })
    releaseClaim(ledger, claim, { seconds: 1 })
    expect(studyById(ledger, "a")).toMatchObject({ due: 1, verdict: "retry", ...failure })
  })

  test("that is given up takes it off the list, until it is well again", () => {
    using bench = testLedger()
    const { ledger } = bench
    const claim = copied(bench)
    recordStudyFailure(ledger, "a", { verdict: "give-up", ...failure })
    expect(studyById(ledger, "a")).toMatchObject({ due: 0, verdict: "give-up" })
    clearStudyFailure(ledger, "a")
    releaseClaim(ledger, claim, { seconds: 1 })
    expect(studyById(ledger, "a")).toMatchObject({
      due: 1,
      verdict: null,
      errorClass: null,
      errorMessage: null,
    })
    expect(wrongTotals(ledger)).toEqual([])
  })
})
