import { describe, expect, test } from "bun:test"
import { beginAttempts, isOwnAttempt } from "../../lib/ledger/attempts.ts"
import { releaseClaim } from "../../lib/ledger/claims.ts"
import { ClaimLost } from "../../lib/ledger/errors.ts"
import { objectAt, objectsOf } from "../../lib/ledger/objects.ts"
import { queueObjects } from "../../lib/ledger/retries.ts"
import { recordStudy, studyById } from "../../lib/ledger/studies.ts"
import { wrongTotals } from "../../lib/ledger/totals.ts"
import { beginAll, COPIED, complete, FAILED, settle } from "../support/copying.ts"
import {
  chestStudy,
  HOUR,
  image,
  metadata,
  mustClaim,
  report,
  rows,
  T0,
  type TestLedger,
  testLedger,
} from "../support/ledger.ts"

const ONE_LATER = "2026-03-01T03:00:00.000Z"

/** A study of one image, held by this run. */
function held(bench: TestLedger, sourceHash = "v1") {
  recordStudy(
    bench.ledger,
    chestStudy("a", { sourceHash, objects: [image("i1", sourceHash)] }),
    bench.cohortId,
  )
  return mustClaim(bench.ledger, bench.runId, "a")
}

const attempts = (bench: TestLedger) =>
  rows<Record<string, unknown>>(
    bench.ledger,
    "select position, try, started_at, ended_at, outcome, bytes, error_class from copy_attempts",
  )

describe("A try", () => {
  test("is recorded before anything is done, and its end when it is over", () => {
    using bench = testLedger()
    const claim = held(bench)
    const [attempt] = beginAll(bench.ledger, claim)
    const begun = { position: 0, try: 1, started_at: T0 }
    expect(attempts(bench)).toEqual([
      { ...begun, ended_at: null, outcome: null, bytes: null, error_class: null },
    ])
    expect(attempt).toMatchObject({ try: 1, unsettled: false, id: `${bench.ledger.id}/0/1` })
    bench.clock.advance(HOUR)
    settle(bench.ledger, claim, attempt!, COPIED)
    expect(attempts(bench)).toEqual([
      { ...begun, ended_at: ONE_LATER, outcome: "copied", bytes: 1_000, error_class: null },
    ])
  })

  test("that copies its object leaves what stands at the destination", () => {
    using bench = testLedger()
    const claim = held(bench)
    settle(bench.ledger, claim, beginAll(bench.ledger, claim)[0]!, { ...COPIED, warning: "no DICM" })
    expect(objectAt(bench.ledger, "a", 0)).toMatchObject({
      state: "copied",
      verdict: null,
      tries: 1,
      size: 1_000,
      crc32c: "AAAAAA==",
      generation: "1",
      sourceEtag: "etag-1",
      copiedAt: T0,
      warning: "no DICM",
    })
    expect(rows(bench.ledger, "select * from totals where name like 'objects.%' order by name")).toEqual([
      { name: "objects.copied", count: 1, bytes: 1_000 },
      { name: "objects.pending", count: 0, bytes: 0 },
    ])
  })

  test.each([
    ["copied", { copied: 1, adopted: 0, adopted_bytes: 0, failed: 0, bytes: 1_000 }],
    ["adopted", { copied: 0, adopted: 1, adopted_bytes: 1_000, failed: 0, bytes: 0 }],
    ["unchanged", { copied: 0, adopted: 0, adopted_bytes: 0, failed: 0, bytes: 0 }],
  ] as const)("that ends as %s counts so in its hour", (outcome, counts) => {
    using bench = testLedger()
    const claim = held(bench)
    const bytes = outcome === "copied" ? 1_000 : 0
    settle(bench.ledger, claim, beginAll(bench.ledger, claim)[0]!, { ...COPIED, outcome, bytes })
    expect(
      rows(bench.ledger, "select hour, copied, adopted, adopted_bytes, failed, bytes from hourly"),
    ).toEqual([{ hour: "2026-03-01T02", ...counts }])
    expect(objectAt(bench.ledger, "a", 0)?.state).toBe("copied")
  })

  test("of a larger copy takes the place of the smaller one in the totals", () => {
    using bench = testLedger()
    const claim = held(bench)
    settle(bench.ledger, claim, beginAll(bench.ledger, claim)[0]!, COPIED)
    queueObjects(bench.ledger, "a", () => true)
    settle(bench.ledger, claim, beginAll(bench.ledger, claim)[0]!, { ...COPIED, size: 5_000, bytes: 5_000 })
    expect(rows(bench.ledger, "select bytes from totals where name = 'objects.copied'")).toEqual([
      { bytes: 5_000 },
    ])
    expect(wrongTotals(bench.ledger)).toEqual([])
  })

  test("is numbered on, over runs, and tells its mark from those of other objects and other ledgers", () => {
    using bench = testLedger()
    const claim = held(bench)
    settle(bench.ledger, claim, beginAll(bench.ledger, claim)[0]!, FAILED)
    const [second] = beginAll(bench.ledger, claim)
    expect(second).toMatchObject({ try: 2, id: `${bench.ledger.id}/0/2` })
    expect(isOwnAttempt(bench.ledger, second!.object, `${bench.ledger.id}/0/1`)).toBe(true)
    expect(isOwnAttempt(bench.ledger, second!.object, `${bench.ledger.id}/01/1`)).toBe(false)
    expect(isOwnAttempt(bench.ledger, second!.object, `${bench.ledger.id}/1/1`)).toBe(false)
    expect(isOwnAttempt(bench.ledger, second!.object, "another-ledger/0/1")).toBe(false)
    expect(isOwnAttempt(bench.ledger, second!.object, undefined)).toBe(false)
  })
})

describe("A try that ended without a word", () => {
  test("is closed as interrupted by the next one, which knows that something may stand there", () => {
    using bench = testLedger()
    const claim = held(bench)
    beginAll(bench.ledger, claim)
    bench.clock.advance(HOUR)
    const [again] = beginAll(bench.ledger, claim)
    expect(again).toMatchObject({ try: 2, unsettled: true })
    expect(attempts(bench)).toMatchObject([
      { try: 1, ended_at: ONE_LATER, outcome: "interrupted", bytes: null },
      { try: 2, ended_at: null, outcome: null },
    ])
  })

  test("is told apart from one that failed: after that there is nothing to settle", () => {
    using bench = testLedger()
    const claim = held(bench)
    settle(bench.ledger, claim, beginAll(bench.ledger, claim)[0]!, FAILED)
    expect(beginAll(bench.ledger, claim)[0]?.unsettled).toBe(false)
  })

  test("leaves its object waiting and its study due", () => {
    using bench = testLedger()
    const claim = held(bench)
    beginAll(bench.ledger, claim)
    releaseClaim(bench.ledger, claim, { seconds: 1 })
    expect(objectAt(bench.ledger, "a", 0)).toMatchObject({ state: "pending", tries: 1, verdict: null })
    expect(studyById(bench.ledger, "a")?.due).toBe(1)
  })
})

describe("A result that the source has overtaken", () => {
  const changed = chestStudy("a", { sourceHash: "v2", objects: [image("i1", "v2")] })

  test("leaves the object waiting and remembers what was put at the destination", () => {
    using bench = testLedger()
    const claim = held(bench)
    const [attempt] = beginAll(bench.ledger, claim)
    recordStudy(bench.ledger, changed, bench.cohortId)
    settle(bench.ledger, claim, attempt!, COPIED)
    expect(objectAt(bench.ledger, "a", 0)).toMatchObject({
      state: "pending",
      sourceHash: "v2",
      generation: "1",
      size: 1_000,
      copiedAt: T0,
    })
    expect(attempts(bench)).toMatchObject([{ outcome: "copied", bytes: 1_000 }])
    releaseClaim(bench.ledger, claim, { seconds: 1 })
    expect(studyById(bench.ledger, "a")?.due).toBe(1)
    expect(wrongTotals(bench.ledger)).toEqual([])
  })

  test("does not fail what is queued anew", () => {
    using bench = testLedger()
    const claim = held(bench)
    const [attempt] = beginAll(bench.ledger, claim)
    recordStudy(bench.ledger, changed, bench.cohortId)
    settle(bench.ledger, claim, attempt!, FAILED)
    expect(objectAt(bench.ledger, "a", 0)).toMatchObject({
      state: "pending",
      verdict: null,
      errorClass: null,
    })
    expect(attempts(bench)).toMatchObject([{ outcome: "failed", error_class: "Unavailable" }])
  })

  test("does not bring back what the database lists no longer", () => {
    using bench = testLedger()
    const claim = held(bench)
    const [attempt] = beginAll(bench.ledger, claim)
    recordStudy(bench.ledger, chestStudy("a", { sourceHash: "v2", objects: [metadata()] }), bench.cohortId)
    settle(bench.ledger, claim, attempt!, COPIED)
    expect(objectAt(bench.ledger, "a", 0)).toMatchObject({ state: "retired", generation: "1" })
    expect(wrongTotals(bench.ledger)).toEqual([])
  })

  test("is none when only other objects of the study changed", () => {
    using bench = testLedger()
    const claim = held(bench)
    const [attempt] = beginAll(bench.ledger, claim)
    recordStudy(
      bench.ledger,
      chestStudy("a", { sourceHash: "v2", objects: [image("i1"), report("r9")] }),
      bench.cohortId,
    )
    settle(bench.ledger, claim, attempt!, COPIED)
    expect(objectAt(bench.ledger, "a", 0)?.state).toBe("copied")
  })
})

describe("A holder that lost its claim", () => {
  test("begins and settles nothing more, and changes nothing by trying", () => {
    using bench = testLedger()
    const claim = held(bench)
    const [attempt] = beginAll(bench.ledger, claim)
    bench.clock.advance(2 * 60_000)
    const taker = mustClaim(bench.ledger, bench.runId, "a")
    const before = { object: objectAt(bench.ledger, "a", 0), attempts: attempts(bench) }
    expect(() => settle(bench.ledger, claim, attempt!, COPIED)).toThrow(ClaimLost)
    expect(() => beginAttempts(bench.ledger, claim, objectsOf(bench.ledger, "a"))).toThrow(ClaimLost)
    expect(() => releaseClaim(bench.ledger, claim, { seconds: 9 })).toThrow(ClaimLost)
    expect({ object: objectAt(bench.ledger, "a", 0), attempts: attempts(bench) }).toEqual(before)
    expect(studyById(bench.ledger, "a")?.seconds).toBe(0)
    settle(bench.ledger, taker, beginAll(bench.ledger, taker)[0]!, COPIED)
    expect(wrongTotals(bench.ledger)).toEqual([])
  })
})

test("An object that the operator wants again is tried although it is copied, and is not forced twice", () => {
  using bench = testLedger()
  recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
  complete(bench, "a")
  expect(queueObjects(bench.ledger, "a", ({ kind }) => kind === "dicom", { forced: true })).toBe(2)
  expect(studyById(bench.ledger, "a")).toMatchObject({ due: 1, completedAt: null })
  expect(objectAt(bench.ledger, "a", 2)).toMatchObject({ state: "pending", forced: 1, generation: "1" })
  complete(bench, "a")
  expect(objectAt(bench.ledger, "a", 2)).toMatchObject({ state: "copied", forced: 0, tries: 2 })
})
