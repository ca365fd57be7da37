import { describe, expect, test } from "bun:test"
import { releaseClaim } from "../../lib/ledger/claims.ts"
import { isToTry, objectAt } from "../../lib/ledger/objects.ts"
import { forgetReceipt } from "../../lib/ledger/receipts.ts"
import { giveUpLongMissing, recordStudyFailure, retryGivenUp } from "../../lib/ledger/retries.ts"
import { recordStudy, studyById } from "../../lib/ledger/studies.ts"
import { dueStudies } from "../../lib/ledger/study-lists.ts"
import { wrongTotals } from "../../lib/ledger/totals.ts"
import { beginAll, COPIED, complete, FAILED, GIVEN_UP, MISSING, settle } from "../support/copying.ts"
import {
  chestStudy,
  DAY,
  HOUR,
  image,
  mustClaim,
  rows,
  T0,
  type TestLedger,
  testLedger,
} from "../support/ledger.ts"

/** Ends the next try of a study's only object. */
function tryOnce({ ledger, runId }: TestLedger, result: Parameters<typeof settle>[3]) {
  const claim = mustClaim(ledger, runId, "a")
  settle(ledger, claim, beginAll(ledger, claim)[0]!, result)
  releaseClaim(ledger, claim, { seconds: 1 })
}

function withOneImage(): TestLedger {
  const bench = testLedger()
  recordStudy(bench.ledger, chestStudy("a", { objects: [image("i1")] }), bench.cohortId)
  return bench
}

const nextTry = ({ ledger }: TestLedger) =>
  rows<{ next_try_at: string | null }>(ledger, "select next_try_at from objects")[0]?.next_try_at

describe("A failure that may pass", () => {
  test("keeps the object to be tried, with what happened", () => {
    using bench = withOneImage()
    tryOnce(bench, FAILED)
    const object = objectAt(bench.ledger, "a", 0)!
    expect(object).toMatchObject({
      state: "failed",
      verdict: "retry",
      errorClass: "Unavailable",
      errorMessage: "503",
    })
    expect(isToTry(object)).toBe(true)
    expect(dueStudies(bench.ledger)).toEqual(["a"])
    expect(rows(bench.ledger, "select failed from hourly")).toEqual([{ failed: 1 }])
  })

  test("spaces further tries by 1 h, doubled each time, up to 24 h", () => {
    using bench = withOneImage()
    const hours = Array.from({ length: 7 }, () => {
      tryOnce(bench, FAILED)
      return (Date.parse(nextTry(bench)!) - Date.parse(T0)) / HOUR
    })
    expect(hours).toEqual([1, 2, 4, 8, 16, 24, 24])
  })

  test("is forgotten by a copy that succeeds", () => {
    using bench = withOneImage()
    tryOnce(bench, FAILED)
    tryOnce(bench, COPIED)
    expect(objectAt(bench.ledger, "a", 0)).toMatchObject({
      state: "copied",
      verdict: null,
      errorClass: null,
      errorMessage: null,
      tries: 2,
    })
    expect(nextTry(bench)).toBeNull()
  })
})

describe("A failure that is given up", () => {
  test("is not tried again, and its study only where something else is to be done", () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    complete(bench, "a", { failing: [3], as: GIVEN_UP })
    expect(objectAt(bench.ledger, "a", 3)).toMatchObject({ state: "failed", verdict: "give-up" })
    expect(isToTry(objectAt(bench.ledger, "a", 3)!)).toBe(false)
    expect(studyById(bench.ledger, "a")).toMatchObject({ due: 0, completedAt: null })
    const next = chestStudy("a", { sourceHash: "v2", objects: [...chestStudy("a").objects, image("i3")] })
    recordStudy(bench.ledger, next, bench.cohortId)
    expect(dueStudies(bench.ledger)).toEqual(["a"])
  })

  test("is tried again when its source changes", () => {
    using bench = withOneImage()
    tryOnce(bench, GIVEN_UP)
    recordStudy(
      bench.ledger,
      chestStudy("a", { sourceHash: "v2", objects: [image("i1", "v2")] }),
      bench.cohortId,
    )
    expect(objectAt(bench.ledger, "a", 0)).toMatchObject({
      state: "pending",
      verdict: null,
      errorClass: null,
    })
  })

  test("is tried again when the operator asks: everything, or named studies", () => {
    using bench = testLedger()
    for (const id of ["a", "b", "c"]) {
      recordStudy(bench.ledger, chestStudy(id, { objects: [image("i1")] }), bench.cohortId)
      complete(bench, id, { failing: [0], as: GIVEN_UP })
    }
    recordStudyFailure(bench.ledger, "c", {
      verdict: "give-up",
      errorClass: "DestinationConflict",
      errorMessage: "x",
    })
    expect(dueStudies(bench.ledger)).toEqual([])
    expect(retryGivenUp(bench.ledger, ["b", "unknown"])).toBe(1)
    expect(dueStudies(bench.ledger)).toEqual(["b"])
    expect(retryGivenUp(bench.ledger)).toBe(2)
    expect(dueStudies(bench.ledger)).toEqual(["a", "b", "c"])
    expect(studyById(bench.ledger, "c")?.verdict).toBeNull()
    expect(retryGivenUp(bench.ledger)).toBe(0)
    expect(wrongTotals(bench.ledger)).toEqual([])
  })

  test("is not brought back by that when the database lists it no longer", () => {
    using bench = testLedger()
    const images = [image("i1"), image("i2")]
    recordStudy(bench.ledger, chestStudy("a", { objects: images }), bench.cohortId)
    complete(bench, "a", { failing: [0, 1], as: GIVEN_UP })
    recordStudy(bench.ledger, chestStudy("a", { sourceHash: "v2", objects: images.slice(1) }), bench.cohortId)
    expect(retryGivenUp(bench.ledger)).toBe(1)
    expect(objectAt(bench.ledger, "a", 0)?.state).toBe("retired")
  })

  test("of a study as a whole is taken back too", () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    recordStudyFailure(bench.ledger, "a", {
      verdict: "give-up",
      errorClass: "DestinationConflict",
      errorMessage: "x",
    })
    expect(retryGivenUp(bench.ledger)).toBe(0)
    expect(dueStudies(bench.ledger)).toEqual(["a"])
  })
})

test("What is new of a study whose receipt was given up is copied all the same", () => {
  using bench = testLedger()
  recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
  complete(bench, "a")
  forgetReceipt(bench.ledger, "a")
  recordStudyFailure(bench.ledger, "a", {
    verdict: "give-up",
    errorClass: "DestinationConflict",
    errorMessage: "x",
  })
  expect(dueStudies(bench.ledger)).toEqual([])
  const objects = [...chestStudy("a").objects, image("new")]
  recordStudy(bench.ledger, chestStudy("a", { sourceHash: "v2", objects }), bench.cohortId)
  expect(dueStudies(bench.ledger)).toEqual(["a"])
})

describe("An object that the origin lacks", () => {
  test("is looked for by every run for 30 days, then given up", () => {
    using bench = withOneImage()
    tryOnce(bench, MISSING)
    expect(objectAt(bench.ledger, "a", 0)).toMatchObject({
      state: "missing",
      verdict: "missing",
      missingSince: T0,
    })
    bench.clock.advance(15 * DAY)
    tryOnce(bench, MISSING)
    bench.clock.advance(15 * DAY)
    expect(giveUpLongMissing(bench.ledger)).toBe(0)
    expect(dueStudies(bench.ledger)).toEqual(["a"])
    bench.clock.advance(1)
    expect(giveUpLongMissing(bench.ledger)).toBe(1)
    expect(objectAt(bench.ledger, "a", 0)).toMatchObject({
      state: "missing",
      verdict: "give-up",
      missingSince: T0,
    })
    expect(nextTry(bench)).toBeNull()
    expect(dueStudies(bench.ledger)).toEqual([])
    expect(wrongTotals(bench.ledger)).toEqual([])
  })

  test("is looked for anew, for another 30 days, when the operator asks", () => {
    using bench = withOneImage()
    tryOnce(bench, MISSING)
    bench.clock.advance(31 * DAY)
    giveUpLongMissing(bench.ledger)
    expect(retryGivenUp(bench.ledger)).toBe(1)
    expect(objectAt(bench.ledger, "a", 0)).toMatchObject({ state: "pending", missingSince: null })
    tryOnce(bench, MISSING)
    expect(giveUpLongMissing(bench.ledger)).toBe(0)
  })

  test("is copied when it comes after all", () => {
    using bench = withOneImage()
    tryOnce(bench, MISSING)
    tryOnce(bench, COPIED)
    expect(objectAt(bench.ledger, "a", 0)).toMatchObject({
      state: "copied",
      verdict: null,
      missingSince: null,
    })
  })
})

describe("Wrong bytes that could not be deleted", () => {
  const wrong = { ...FAILED, errorClass: "WrongBytesRemain", wrongGeneration: "77" }

  test("are remembered over later failures, until a copy has replaced them", () => {
    using bench = withOneImage()
    tryOnce(bench, wrong)
    tryOnce(bench, FAILED)
    expect(objectAt(bench.ledger, "a", 0)?.wrongGeneration).toBe("77")
    tryOnce(bench, COPIED)
    expect(objectAt(bench.ledger, "a", 0)?.wrongGeneration).toBeNull()
  })
})
