import { describe, expect, test } from "bun:test"
import { claimNext, releaseClaim } from "../../lib/ledger/claims.ts"
import type { Standing } from "../../lib/ledger/states.ts"
import { moveStanding, recordStudy, studyById } from "../../lib/ledger/studies.ts"
import { dueStudies, eligibleStudies } from "../../lib/ledger/study-lists.ts"
import { readTotals, wrongTotals } from "../../lib/ledger/totals.ts"
import { complete } from "../support/copying.ts"
import {
  chestStudy,
  HOUR,
  mustClaim,
  newCohort,
  rows,
  T0,
  type TestLedger,
  testLedger,
} from "../support/ledger.ts"

function move({ ledger }: TestLedger, standing: Standing, cohortId: number, reason?: string): boolean {
  return ledger.write((tally) =>
    moveStanding(ledger, tally, "a", { standing, cohortId, ...(reason !== undefined && { reason }) }),
  )
}

function begin({ ledger, runId }: TestLedger) {
  releaseClaim(ledger, mustClaim(ledger, runId, "a"), { seconds: 0 })
}

describe("A study whose doctors fell out of the ranks", () => {
  test("is not due when no copy has begun it", () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    move(bench, "out_of_cohort", bench.cohortId, "ranking")
    expect(dueStudies(bench.ledger)).toEqual([])
    expect(claimNext(bench.ledger, bench.runId)).toBeUndefined()
    expect(eligibleStudies(bench.ledger)).toEqual([])
  })

  test("stays due when a copy has begun it: work begun is finished", () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    begin(bench)
    move(bench, "out_of_cohort", bench.cohortId, "ranking")
    expect(dueStudies(bench.ledger)).toEqual(["a"])
    complete(bench, "a")
    expect(studyById(bench.ledger, "a")).toMatchObject({ due: 0, standing: "out_of_cohort", completedAt: T0 })
  })

  test("is due from the moment in which somebody begins it all the same, should he crash then", () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    move(bench, "out_of_cohort", bench.cohortId, "ranking")
    mustClaim(bench.ledger, bench.runId, "a")
    expect(dueStudies(bench.ledger)).toEqual(["a"])
    expect(wrongTotals(bench.ledger)).toEqual([])
  })

  test("is eligible and due again when they are back, although nothing else changed", () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    move(bench, "out_of_cohort", bench.cohortId, "ranking")
    expect(recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)).toBe("changed")
    expect(studyById(bench.ledger, "a")).toMatchObject({ standing: "eligible", standingReason: null, due: 1 })
    expect(wrongTotals(bench.ledger)).toEqual([])
  })
})

describe("A study of which a fact of its own changed", () => {
  test.each([false, true])("is not due any more (begun: %p)", (begun) => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    if (begun) begin(bench)
    move(bench, "withdrawn", bench.cohortId, "signed report")
    expect(dueStudies(bench.ledger)).toEqual([])
    expect(studyById(bench.ledger, "a")).toMatchObject({
      standing: "withdrawn",
      standingReason: "signed report",
    })
  })

  test("keeps what was copied of it, and its totals", () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    complete(bench, "a")
    move(bench, "withdrawn", bench.cohortId, "signed report")
    expect(studyById(bench.ledger, "a")?.completedAt).toBe(T0)
    expect(Object.fromEntries(readTotals(bench.ledger.db))).toMatchObject({
      "studies.eligible": { count: 0 },
      "studies.withdrawn": { count: 1 },
      "objects.copied": { count: 4, bytes: 4_000 },
      complete: { count: 1 },
      due: { count: 0 },
    })
    expect(wrongTotals(bench.ledger)).toEqual([])
  })
})

describe("The history of a standing", () => {
  test("has a line for every change, with its cohort and its reason", () => {
    using bench = testLedger()
    const { ledger, clock } = bench
    const [first, second, third] = [
      bench.cohortId,
      newCohort(ledger, bench.runId),
      newCohort(ledger, bench.runId),
    ]
    recordStudy(ledger, chestStudy("a"), first)
    clock.advance(24 * HOUR)
    expect(move(bench, "out_of_cohort", second, "ranking")).toBe(true)
    clock.advance(24 * HOUR)
    expect(move(bench, "out_of_cohort", third, "ranking")).toBe(false)
    expect(move(bench, "withdrawn", third, "demo")).toBe(true)
    expect(rows(ledger, "select cohort_id, at, standing, reason from standings order by cohort_id")).toEqual([
      { cohort_id: first, at: "2026-03-01T02:00:00.000Z", standing: "eligible", reason: null },
      { cohort_id: second, at: "2026-03-02T02:00:00.000Z", standing: "out_of_cohort", reason: "ranking" },
      { cohort_id: third, at: "2026-03-03T02:00:00.000Z", standing: "withdrawn", reason: "demo" },
    ])
    expect(studyById(ledger, "a")).toMatchObject({ cohortId: first })
  })

  test("tells the reason anew when only that changed", () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    move(bench, "withdrawn", bench.cohortId, "demo")
    expect(move(bench, "withdrawn", bench.cohortId, "migrated")).toBe(true)
    expect(rows(bench.ledger, "select reason from standings")).toEqual([{ reason: "migrated" }])
    expect(wrongTotals(bench.ledger)).toEqual([])
  })
})
