import { describe, expect, test } from "bun:test"
import { objectsOf, type PlannedObject } from "../../lib/ledger/objects.ts"
import type { Ledger } from "../../lib/ledger/open.ts"
import { compareStudy, recordStudy, studyById } from "../../lib/ledger/studies.ts"
import { dueStudies, eligibleStudies, organizations, studiesOf } from "../../lib/ledger/study-lists.ts"
import { readTotals, wrongTotals } from "../../lib/ledger/totals.ts"
import { complete } from "../support/copying.ts"
import {
  chestStudy,
  HOUR,
  image,
  metadata,
  newCohort,
  report,
  rows,
  T0,
  testLedger,
} from "../support/ledger.ts"

const states = (ledger: Ledger, studyId = "a") =>
  objectsOf(ledger, studyId).map(({ position, path, state }) => `${position} ${path} ${state}`)

/** Changes that this connection has made so far, to tell whether something wrote at all. */
const changes = (ledger: Ledger) => rows<{ n: number }>(ledger, "select total_changes() as n")[0]!.n

describe("A study that is discovered for the first time", () => {
  test("stands with all that was read of it, and its objects wait in their order", () => {
    using bench = testLedger()
    const { ledger, cohortId } = bench
    expect(recordStudy(ledger, chestStudy("a"), cohortId)).toBe("new")
    expect(studyById(ledger, "a")).toMatchObject({
      organizationId: "org",
      dicomStudyUid: "1.2.3",
      doctorRank: 2,
      newestSignedAt: "2026-02-01T00:00:00.000Z",
      sourceHash: "v1",
      listsOrigin: 0,
      standing: "eligible",
      standingReason: null,
      cohortId,
      begunAt: null,
      due: 1,
      completedAt: null,
    })
    expect(states(ledger)).toEqual([
      "0 metadata.json pending",
      "1 reports/r1.txt pending",
      "2 dicom_files/s/i1.dcm pending",
      "3 dicom_files/s/i2.dcm pending",
    ])
    expect(objectsOf(ledger, "a")[2]).toMatchObject({
      kind: "dicom",
      source: "pacs/i1.dcm",
      sourceId: "i1",
      seriesId: "s",
      expectedSize: null,
      verdict: null,
      tries: 0,
      forced: 0,
      generation: null,
    })
    expect(wrongTotals(ledger)).toEqual([])
  })

  test("takes ids and texts as they are, whatever is in them", () => {
    using bench = testLedger()
    const odd = `Ro"bert'); drop table studies;--\n%_\\ 🫁`
    recordStudy(
      bench.ledger,
      chestStudy(odd, { organizationId: odd, objects: [report(odd)] }),
      bench.cohortId,
    )
    expect(studyById(bench.ledger, odd)?.organizationId).toBe(odd)
    expect(objectsOf(bench.ledger, odd)[0]?.path).toBe(`reports/${odd}.txt`)
    expect(dueStudies(bench.ledger)).toEqual([odd])
  })

  test("may lack whatever the source does not know", () => {
    using bench = testLedger()
    const bare = { dicomStudyUid: null, modalities: null, newestSignedAt: null }
    recordStudy(bench.ledger, chestStudy("a", bare), bench.cohortId)
    expect(studyById(bench.ledger, "a")).toMatchObject({ dicomStudyUid: null, newestSignedAt: null, due: 1 })
  })
})

describe("A study that is seen again", () => {
  test("costs no write when nothing changed, not even in a new cohort", () => {
    using bench = testLedger()
    const { ledger } = bench
    recordStudy(ledger, chestStudy("a"), bench.cohortId)
    const next = newCohort(ledger, bench.runId)
    const before = changes(ledger)
    bench.clock.advance(24 * HOUR)
    expect(recordStudy(ledger, chestStudy("a"), next)).toBe("unchanged")
    expect(changes(ledger)).toBe(before)
    expect(studyById(ledger, "a")?.cohortId).toBe(bench.cohortId)
  })

  test("gets just its changed and new objects queued, each where it was", () => {
    using bench = testLedger()
    const { ledger, cohortId } = bench
    recordStudy(ledger, chestStudy("a"), cohortId)
    complete(bench, "a")
    const objects = [metadata("v2"), report("r0"), report("r1"), image("i1"), image("i2", "v2")]
    expect(recordStudy(ledger, chestStudy("a", { sourceHash: "v2", objects }), cohortId)).toBe("changed")
    expect(states(ledger)).toEqual([
      "0 metadata.json pending",
      "1 reports/r1.txt copied",
      "2 dicom_files/s/i1.dcm copied",
      "3 dicom_files/s/i2.dcm pending",
      "4 reports/r0.txt pending",
    ])
    expect(studyById(ledger, "a")).toMatchObject({ due: 1, completedAt: null, sourceHash: "v2" })
    expect(wrongTotals(ledger)).toEqual([])
  })

  test("remembers of a changed object what stands at the destination", () => {
    using bench = testLedger()
    const { ledger, cohortId } = bench
    recordStudy(ledger, chestStudy("a"), cohortId)
    complete(bench, "a")
    const before = objectsOf(ledger, "a")[2]!
    const moved: PlannedObject = { ...image("i1", "v2"), source: "elsewhere/i1.dcm", expectedSize: 7 }
    const objects = [metadata(), report("r1"), moved, image("i2")]
    recordStudy(ledger, chestStudy("a", { sourceHash: "v2", objects }), cohortId)
    const after = objectsOf(ledger, "a")[2]!
    expect(after).toEqual({
      ...before,
      state: "pending",
      source: "elsewhere/i1.dcm",
      expectedSize: 7,
      sourceHash: "v2",
    })
    expect(after.generation).not.toBeNull()
  })

  test("with another hash but the same objects is changed, and due only if it was", () => {
    using bench = testLedger()
    const { ledger, cohortId } = bench
    recordStudy(ledger, chestStudy("a"), cohortId)
    complete(bench, "a")
    const { completedAt } = studyById(ledger, "a")!
    bench.clock.advance(HOUR)
    const other = chestStudy("a", { sourceHash: "v2", newestSignedAt: "2026-02-02T00:00:00.000Z" })
    expect(recordStudy(ledger, other, cohortId)).toBe("changed")
    expect(studyById(ledger, "a")).toMatchObject({
      due: 0,
      completedAt,
      newestSignedAt: "2026-02-02T00:00:00.000Z",
    })
  })

  test("that moved to another organization is queued as a whole", () => {
    using bench = testLedger()
    const { ledger, cohortId } = bench
    recordStudy(ledger, chestStudy("a"), cohortId)
    complete(bench, "a")
    const objects = [metadata("n"), report("r1", "n"), image("i1", "n"), image("i2", "n")]
    recordStudy(ledger, chestStudy("a", { organizationId: "new-org", sourceHash: "n", objects }), cohortId)
    expect(studyById(ledger, "a")).toMatchObject({ organizationId: "new-org", due: 1, completedAt: null })
    expect(objectsOf(ledger, "a").map(({ state }) => state)).toEqual([
      "pending",
      "pending",
      "pending",
      "pending",
    ])
  })

  test("retires what the database lists no longer, and queues it again when it is listed again", () => {
    using bench = testLedger()
    const { ledger, cohortId } = bench
    recordStudy(ledger, chestStudy("a"), cohortId)
    complete(bench, "a")
    const fewer = chestStudy("a", { sourceHash: "v2", objects: [metadata(), report("r1"), image("i2")] })
    recordStudy(ledger, fewer, cohortId)
    expect(states(ledger)[2]).toBe("2 dicom_files/s/i1.dcm retired")
    expect(studyById(ledger, "a")).toMatchObject({ due: 1, receiptStale: 1, completedAt: null })
    expect(readTotals(ledger.db).get("objects.retired")?.count).toBe(1)
    recordStudy(ledger, { ...fewer, sourceHash: "v3" }, cohortId)
    expect(states(ledger)[2]).toBe("2 dicom_files/s/i1.dcm retired")
    recordStudy(ledger, chestStudy("a", { sourceHash: "v4" }), cohortId)
    expect(states(ledger)[2]).toBe("2 dicom_files/s/i1.dcm pending")
    expect(wrongTotals(ledger)).toEqual([])
  })

  test("forgets a failure of what changed, and of nothing else", () => {
    using bench = testLedger()
    const { ledger, cohortId } = bench
    recordStudy(ledger, chestStudy("a"), cohortId)
    complete(bench, "a", { failing: [2, 3] })
    const objects = [metadata(), report("r1"), image("i1"), image("i2", "v2")]
    recordStudy(ledger, chestStudy("a", { sourceHash: "v2", objects }), cohortId)
    const [, , kept, queued] = objectsOf(ledger, "a")
    expect(kept).toMatchObject({ state: "failed", verdict: "retry", errorClass: "Unavailable", tries: 1 })
    expect(queued).toMatchObject({
      state: "pending",
      verdict: null,
      errorClass: null,
      errorMessage: null,
      tries: 1,
    })
  })
})

test("A dry run compares a study without writing", () => {
  using bench = testLedger()
  const { ledger } = bench
  recordStudy(ledger, chestStudy("a"), bench.cohortId)
  const before = changes(ledger)
  expect(compareStudy(ledger, chestStudy("a"))).toBe("unchanged")
  expect(compareStudy(ledger, chestStudy("a", { sourceHash: "v2" }))).toBe("changed")
  expect(compareStudy(ledger, chestStudy("b"))).toBe("new")
  expect(changes(ledger)).toBe(before)
})

describe("Studies are listed", () => {
  test("newest signed report first, then smallest id, undated last", () => {
    using bench = testLedger()
    const { ledger, cohortId } = bench
    const signed = { c: "2026-01-01T00:00:00.000Z", b: "2026-01-01T00:00:00.000Z", z: T0, a: null }
    for (const [id, newestSignedAt] of Object.entries(signed)) {
      recordStudy(ledger, chestStudy(id, { newestSignedAt }), cohortId)
    }
    expect(dueStudies(ledger)).toEqual(["z", "b", "c", "a"])
    expect(eligibleStudies(ledger, 2)).toEqual(["z", "b"])
  })

  test("by organization, a page at a time, in the order of their ids", () => {
    using bench = testLedger()
    const { ledger, cohortId } = bench
    const ids = Array.from({ length: 1_001 }, (_, index) => `s${String(index).padStart(4, "0")}`)
    ledger.write(() => {
      for (const id of ids.toReversed()) recordStudy(ledger, chestStudy(id, { objects: [] }), cohortId)
      recordStudy(ledger, chestStudy("other", { organizationId: "another" }), cohortId)
    })
    expect([...studiesOf(ledger, "org")].map(({ studyId }) => studyId)).toEqual(ids)
    expect(organizations(ledger)).toEqual(["another", "org"])
  })
})
