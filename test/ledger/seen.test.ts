import { describe, expect, test } from "bun:test"
import {
  allSeen,
  beginSeen,
  forgetUnrecorded,
  knownSeen,
  noteChanges,
  noteSeen,
  noteVersions,
  recordLastSeen,
  seenCounts,
  type UnseenStudy,
  unreadSeen,
  unseenStudies,
} from "../../lib/ledger/seen.ts"
import { moveStanding, recordStudy } from "../../lib/ledger/studies.ts"
import { wrongTotals } from "../../lib/ledger/totals.ts"
import { chestStudy, HOUR, metadata, report, rows, T0, testLedger } from "../support/ledger.ts"

const seen = (studyId: string) => ({ studyId, doctorRank: 2 })

describe("What one discovery has met", () => {
  test("is counted by what changed; a study met twice counts once", () => {
    using bench = testLedger()
    const { ledger } = bench
    beginSeen(ledger)
    noteSeen(ledger, [seen("a"), seen("b")])
    noteSeen(ledger, [seen("c"), seen("a")])
    expect([...allSeen(ledger, 2)]).toEqual([["a", "b"], ["c"]])
    expect(seenCounts(ledger)).toEqual({ new: 0, changed: 0, unchanged: 0 })
    noteChanges(ledger, [
      ["a", "new"],
      ["b", "changed"],
    ])
    expect([...unreadSeen(ledger, 2)]).toEqual([["c"]])
    noteChanges(ledger, [["c", "new"]])
    expect(seenCounts(ledger)).toEqual({ new: 2, changed: 1, unchanged: 0 })
    beginSeen(ledger)
    expect(seenCounts(ledger)).toEqual({ new: 0, changed: 0, unchanged: 0 })
  })

  test("is unchanged when the ledger knows that version of it, as an eligible study", () => {
    using bench = testLedger()
    const { ledger } = bench
    for (const id of ["a", "b", "c"]) recordStudy(ledger, chestStudy(id), bench.cohortId)
    ledger.write((tally) =>
      moveStanding(ledger, tally, "c", { standing: "withdrawn", cohortId: bench.cohortId }),
    )
    const { sourceHash } = chestStudy("a")
    beginSeen(ledger)
    noteSeen(ledger, ["a", "b", "c", "d"].map(seen))
    expect([...knownSeen(ledger, 10)]).toEqual([["a", "b", "c"]])
    const versions = [
      { studyId: "a", sourceHash },
      { studyId: "b", sourceHash: "another" },
      { studyId: "c", sourceHash },
    ]
    expect(noteVersions(ledger, versions)).toBe(1)
    expect([...unreadSeen(ledger, 10)]).toEqual([["b", "c", "d"]])
    expect(seenCounts(ledger)).toEqual({ new: 0, changed: 0, unchanged: 1 })
  })

  test("is forgotten when the reading begins anew, but for what was recorded", () => {
    using bench = testLedger()
    const { ledger } = bench
    beginSeen(ledger)
    noteSeen(ledger, ["a", "b", "c", "d"].map(seen))
    noteChanges(ledger, [
      ["a", "new"],
      ["b", "unchanged"],
      ["c", "changed"],
    ])
    forgetUnrecorded(ledger)
    expect([...allSeen(ledger, 10)]).toEqual([["a", "c"]])
    noteSeen(ledger, ["a", "b"].map(seen))
    expect([...unreadSeen(ledger, 10)]).toEqual([["b"]])
  })

  test("tells when it was last seen and which rank its doctors have now", () => {
    using bench = testLedger()
    const { ledger, clock } = bench
    for (const id of ["a", "b"]) recordStudy(ledger, chestStudy(id), bench.cohortId)
    clock.advance(24 * HOUR)
    beginSeen(ledger)
    noteSeen(ledger, [{ studyId: "a", doctorRank: 5 }])
    noteChanges(ledger, [["a", "unchanged"]])
    recordLastSeen(ledger)
    expect(rows(ledger, "select study_id, last_seen_at, doctor_rank from studies")).toEqual([
      { study_id: "a", last_seen_at: "2026-03-02T02:00:00.000Z", doctor_rank: 5 },
      { study_id: "b", last_seen_at: T0, doctor_rank: 2 },
    ])
  })

  test("leaves the others, with their standing and the reports that are held of them", () => {
    using bench = testLedger()
    const { ledger } = bench
    const objects = [metadata(), report("r1"), report("r2")]
    for (const id of ["a", "b", "c"]) recordStudy(ledger, chestStudy(id, { objects }), bench.cohortId)
    recordStudy(
      ledger,
      chestStudy("c", { sourceHash: "v2", objects: [metadata(), report("r2")] }),
      bench.cohortId,
    )
    ledger.write((tally) =>
      moveStanding(ledger, tally, "a", { standing: "withdrawn", cohortId: bench.cohortId }),
    )
    beginSeen(ledger)
    noteSeen(ledger, [seen("b")])
    expect([...unseenStudies(ledger)]).toEqual([
      [
        { studyId: "a", standing: "withdrawn", reportIds: ["r1", "r2"] },
        { studyId: "c", standing: "eligible", reportIds: ["r2"] },
      ],
    ])
  })

  test("comes in pages that bear writing in between", () => {
    using bench = testLedger()
    const { ledger } = bench
    const ids = Array.from({ length: 1_200 }, (_, index) => `s${String(index).padStart(4, "0")}`)
    ledger.write(() => {
      for (const id of ids) recordStudy(ledger, chestStudy(id, { objects: [] }), bench.cohortId)
    })
    beginSeen(ledger)
    const met: string[] = []
    const writeAll = (page: readonly UnseenStudy[]) =>
      ledger.write((tally) => {
        for (const { studyId } of page) {
          moveStanding(ledger, tally, studyId, {
            standing: "withdrawn",
            reason: "demo",
            cohortId: bench.cohortId,
          })
          met.push(studyId)
        }
      })
    for (const page of unseenStudies(ledger)) writeAll(page)
    expect(met).toEqual(ids)
    expect(wrongTotals(ledger)).toEqual([])
  })
})
