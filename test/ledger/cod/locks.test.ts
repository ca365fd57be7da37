/** Locks of series in the ledger: nothing of them is forgotten before a week after their end. */
import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { claimSeries } from "../../../lib/ledger/cod/claims.ts"
import { isOwnLock, seriesHeldByOthers } from "../../../lib/ledger/cod/foreign-locks.ts"
import {
  forgetEndedLocks,
  openLocks,
  recordLockEnd,
  recordLockHanging,
  recordLockIntent,
  recordLockTaken,
  reopenLock,
} from "../../../lib/ledger/cod/locks.ts"
import { ensureSeries, recordSeriesFailure, seriesByUids } from "../../../lib/ledger/cod/series.ts"
import { ClaimLost } from "../../../lib/ledger/errors.ts"
import { endRun } from "../../../lib/ledger/runs.ts"
import { DAY, rows, type TestLedger, testLedger } from "../../support/ledger.ts"
import { PROJECT_ROOT } from "../../support/process.ts"

const NAMES = [".cod.lock", ".gradient.lock"]
const UIDS = { studyUid: "1.2", seriesUid: "1.2.8" }
const URI = "gs://cod/dicomweb/studies/1.2/series/1.2.8"

/** A series that the run of the bench holds, and a lock that it intends to take. */
function intended(bench: TestLedger, token: string) {
  const { ledger, runId } = bench
  const seriesNo = ledger.write((tally) => ensureSeries(ledger, tally, UIDS))
  const claim = claimSeries(ledger, runId, seriesNo) ?? { seriesNo, runId, token: lastClaim(bench) }
  ledger.write(() => recordLockIntent(ledger, claim, { token, seriesUri: URI, names: NAMES }))
  return claim
}

const lastClaim = ({ ledger }: TestLedger) =>
  rows<{ token: string }>(ledger, "select token from cod_claims")[0]!.token

describe("A lock in the ledger", () => {
  test("is known from the intent to its end, with the run that took it", () => {
    using bench = testLedger()
    const { ledger, runId } = bench
    const { seriesNo } = intended(bench, "t")
    expect(openLocks(ledger)).toMatchObject([
      { token: "t", seriesNo, seriesUri: URI, names: NAMES, runId, generations: undefined, isHeld: true },
    ])
    ledger.write(() => recordLockTaken(ledger, "t", { ".cod.lock": "7" }))
    endRun(ledger, runId, "stopped", {})
    expect(openLocks(ledger, seriesNo)).toMatchObject([{ generations: { ".cod.lock": "7" }, isHeld: false }])
    ledger.write(() => recordLockEnd(ledger, "t", "released"))
    expect(openLocks(ledger)).toEqual([])
    expect(isOwnLock(ledger, "t")).toBe(true)
    expect(isOwnLock(ledger, "u")).toBe(false)
  })

  test("is not intended without the claim of its series", () => {
    using bench = testLedger()
    const { ledger } = bench
    const claim = { ...intended(bench, "t"), token: "another" }
    const lock = { token: "u", seriesUri: URI, names: NAMES }
    expect(() => ledger.write(() => recordLockIntent(ledger, claim, lock))).toThrow(ClaimLost)
  })

  test("that was thought never created is open again when it is met; no other end is taken back", () => {
    using bench = testLedger()
    const { ledger } = bench
    const { seriesNo } = intended(bench, "late")
    intended(bench, "done")
    ledger.write(() => {
      recordLockEnd(ledger, "late", "never created")
      recordLockEnd(ledger, "done", "released")
      for (const token of ["late", "done"]) reopenLock(ledger, seriesNo, token)
      reopenLock(ledger, seriesNo + 1, "late")
    })
    expect(openLocks(ledger).map(({ token }) => token)).toEqual(["late"])
  })

  test("is forgotten a week after its end, and never while it is open", () => {
    using bench = testLedger()
    const { ledger, clock } = bench
    for (const token of ["open", "old", "new"]) intended(bench, token)
    ledger.write(() => recordLockEnd(ledger, "old", "released"))
    clock.advance(8 * DAY)
    ledger.write(() => recordLockEnd(ledger, "new", "released"))
    ledger.write(() => forgetEndedLocks(ledger))
    expect(rows(ledger, "select token from cod_locks order by token")).toEqual([
      { token: "new" },
      { token: "open" },
    ])
  })

  test("that hangs stands in a view, with what ends it, and before all others in the file of questions", () => {
    using bench = testLedger()
    const { ledger } = bench
    for (const token of ["a", "b"]) intended(bench, token)
    ledger.write(() => {
      recordLockEnd(ledger, "a", "released")
      recordLockHanging(ledger, "b", "tar and metadata disagree")
    })
    expect(rows(ledger, "select * from hanging_locks")).toMatchObject([
      {
        series_uri: URI,
        why: "tar and metadata disagree",
        what_next: expect.stringContaining("locks release"),
      },
    ])
    const question = readFileSync(join(PROJECT_ROOT, "state/queries/locks.sql"), "utf8")
    expect(rows(ledger, question)).toMatchObject([
      { lock: "hangs", series_uri: URI, why: "tar and metadata disagree" },
      { lock: "released", what_next: null },
    ])
  })
})

test("Series that others hold are those whose last try met their lock", () => {
  using bench = testLedger()
  const { ledger } = bench
  const claim = intended(bench, "t")
  expect(seriesHeldByOthers(ledger)).toEqual([])
  const failure = { verdict: "retry", errorClass: "LockAcquisitionError", errorMessage: "held" } as const
  ledger.write((tally) => recordSeriesFailure(ledger, tally, claim, failure))
  expect(seriesHeldByOthers(ledger)).toMatchObject([UIDS])
  expect(seriesByUids(ledger, UIDS)).toMatchObject({ seriesNo: claim.seriesNo })
  expect(seriesByUids(ledger, { ...UIDS, seriesUid: "9" })).toBeUndefined()
})
