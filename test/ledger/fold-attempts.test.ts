import { describe, expect, test } from "bun:test"
import { foldAttempts } from "../../lib/ledger/fold-attempts.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { wrongTotals } from "../../lib/ledger/totals.ts"
import { lastHours, studyTimeline } from "../../lib/ledger/views.ts"
import { beginAll, COPIED, copyHeld, FAILED, MISSING, settle } from "../support/copying.ts"
import {
  chestStudy,
  DAY,
  HOUR,
  metadata,
  mustClaim,
  newRun,
  rows,
  type TestLedger,
  testLedger,
} from "../support/ledger.ts"

/** `a` copied at once, `b` with a failed and a missing object; every try of 1 March. */
function tried(): TestLedger {
  const bench = testLedger()
  const { ledger, cohortId, runId } = bench
  for (const id of ["a", "b"]) recordStudy(ledger, chestStudy(id), cohortId)
  copyHeld(ledger, mustClaim(ledger, runId, "a"))
  const endings = [COPIED, FAILED, MISSING, COPIED]
  copyHeld(ledger, mustClaim(ledger, runId, "b"), (position) => endings[position]!)
  return bench
}

/** A study of one object. */
function copyNew({ ledger, cohortId, runId }: TestLedger, studyId: string) {
  recordStudy(ledger, chestStudy(studyId, { objects: [metadata()] }), cohortId)
  copyHeld(ledger, mustClaim(ledger, runId, studyId))
}

const daily = ({ ledger }: TestLedger) =>
  rows(ledger, "select day, outcome, error_class, attempts, bytes from daily_attempts")

const kept = ({ ledger }: TestLedger) => rows(ledger, "select * from copy_attempts").length

const OF_1_MARCH = [
  { day: "2026-03-01", outcome: "copied", error_class: "", attempts: 6, bytes: 6000 },
  { day: "2026-03-01", outcome: "failed", error_class: "Unavailable", attempts: 1, bytes: 0 },
  { day: "2026-03-01", outcome: "missing", error_class: "NotFound", attempts: 1, bytes: 0 },
]

describe("Tries older than 90 days", () => {
  test("become totals of their day, by how they ended", async () => {
    using bench = tried()
    bench.clock.advance(91 * DAY)
    expect(await foldAttempts(bench.ledger)).toBe(8)
    expect(daily(bench)).toEqual(OF_1_MARCH)
    expect(kept(bench)).toBe(0)
  })

  test("are those of whole days: a day is folded when all of it is that old", async () => {
    using bench = tried()
    bench.clock.advance(90 * DAY + 21 * HOUR)
    expect(await foldAttempts(bench.ledger)).toBe(0)
    expect(kept(bench)).toBe(8)
    bench.clock.advance(HOUR)
    expect(await foldAttempts(bench.ledger)).toBe(8)
  })

  test("leave the younger ones as they are", async () => {
    using bench = tried()
    bench.clock.advance(2 * DAY)
    copyHeld(bench.ledger, mustClaim(bench.ledger, newRun(bench.ledger), "b"))
    bench.clock.advance(89 * DAY + 12 * HOUR)
    await foldAttempts(bench.ledger)
    expect(daily(bench)).toEqual(OF_1_MARCH)
    expect(rows(bench.ledger, "select position, try, outcome from copy_attempts")).toEqual([
      { position: 1, try: 2, outcome: "copied" },
      { position: 2, try: 2, outcome: "copied" },
    ])
  })

  test("are kept while it is not known how they ended", async () => {
    using bench = tried()
    recordStudy(bench.ledger, chestStudy("c"), bench.cohortId)
    beginAll(bench.ledger, mustClaim(bench.ledger, bench.runId, "c"))
    bench.clock.advance(91 * DAY)
    await foldAttempts(bench.ledger)
    expect(rows(bench.ledger, "select distinct study_id, ended_at from copy_attempts")).toEqual([
      { study_id: "c", ended_at: null },
    ])
  })

  test("of more studies than one transaction takes are folded too, none twice", async () => {
    using bench = tried()
    bench.ledger.write(() => {
      for (let n = 0; n < 600; n += 1) copyNew(bench, `many-${n}`)
    })
    bench.clock.advance(91 * DAY)
    expect(await foldAttempts(bench.ledger)).toBe(608)
    expect(daily(bench)[0]).toMatchObject({ attempts: 606 })
    expect(kept(bench)).toBe(0)
  })
})

test("The room that tries took is given back to the disk", async () => {
  using bench = tried()
  bench.ledger.write(() => {
    for (let n = 0; n < 300; n += 1) copyNew(bench, `many-${n}`)
  })
  const pages = () => rows<{ page_count: number }>(bench.ledger, "pragma page_count")[0]!.page_count
  const before = pages()
  bench.clock.advance(91 * DAY)
  await foldAttempts(bench.ledger)
  expect(rows(bench.ledger, "pragma freelist_count")).toEqual([{ freelist_count: 0 }])
  expect(pages()).toBeLessThan(before)
  expect(rows(bench.ledger, "pragma integrity_check")).toEqual([{ integrity_check: "ok" }])
})

describe("Folding", () => {
  test("a second time on the same day reads nothing and changes nothing", async () => {
    using bench = tried()
    bench.clock.advance(91 * DAY)
    await foldAttempts(bench.ledger)
    const before = rows(bench.ledger, "select total_changes() as n")
    expect(await foldAttempts(bench.ledger)).toBe(0)
    expect(rows(bench.ledger, "select total_changes() as n")).toEqual(before)
    expect(daily(bench)).toEqual(OF_1_MARCH)
  })

  test("a young ledger costs nothing", async () => {
    using bench = tried()
    bench.clock.advance(80 * DAY)
    await foldAttempts(bench.ledger)
    expect(rows(bench.ledger, "select folded_before from ledger")).toEqual([{ folded_before: null }])
  })

  test("by two processes at once counts each try once", async () => {
    using bench = tried()
    bench.clock.advance(91 * DAY)
    const other = bench.reopen()
    const folded = await Promise.all([foldAttempts(bench.ledger), foldAttempts(other)])
    expect(folded.toSorted()).toEqual([0, 8])
    expect(daily(bench)).toEqual(OF_1_MARCH)
  })

  test("that is stopped goes on the next time", async () => {
    using bench = tried()
    bench.clock.advance(91 * DAY)
    expect(await foldAttempts(bench.ledger, AbortSignal.abort())).toBe(0)
    expect(kept(bench)).toBe(8)
    expect(await foldAttempts(bench.ledger)).toBe(8)
  })
})

describe("After folding", () => {
  test("totals, hours and the ledger's own check say what they said", async () => {
    using bench = tried()
    const said = () => [
      rows(bench.ledger, "select * from progress"),
      lastHours(bench.ledger, 24),
      rows(bench.ledger, "select study_id, position, tries, state, verdict, error_class from objects"),
    ]
    const before = said()
    bench.clock.advance(91 * DAY)
    await foldAttempts(bench.ledger)
    expect(said()).toEqual(before)
    expect(wrongTotals(bench.ledger)).toEqual([])
  })

  test("a study's timeline still says when each object was copied, once", async () => {
    using bench = tried()
    const copied = () =>
      studyTimeline(bench.ledger, "a")
        .filter(({ what }) => what === "copied")
        .map(({ at, detail }) => `${at} ${detail}`)
    expect(copied()).toHaveLength(4)
    bench.clock.advance(91 * DAY)
    await foldAttempts(bench.ledger)
    expect(copied()).toHaveLength(4)
    expect(copied()[0]).toBe(
      "2026-03-01T02:00:00.000Z metadata.json, 1000 bytes; its tries of that time are in daily_attempts",
    )
  })

  test("the next try of an object has the next number", async () => {
    using bench = tried()
    bench.clock.advance(91 * DAY)
    await foldAttempts(bench.ledger)
    const claim = mustClaim(bench.ledger, newRun(bench.ledger), "b")
    for (const attempt of beginAll(bench.ledger, claim)) settle(bench.ledger, claim, attempt, COPIED)
    expect(rows(bench.ledger, "select position, try from copy_attempts")).toEqual([
      { position: 1, try: 2 },
      { position: 2, try: 2 },
    ])
  })
})
