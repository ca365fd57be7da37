import { describe, expect, test } from "bun:test"
import { releaseClaim } from "../../lib/ledger/claims.ts"
import { ClaimLost } from "../../lib/ledger/errors.ts"
import { objectsOf, type PlannedObject } from "../../lib/ledger/objects.ts"
import type { Ledger } from "../../lib/ledger/open.ts"
import { type DiscoveredStudy, recordListing, recordStudy, studyById } from "../../lib/ledger/studies.ts"
import { wrongTotals } from "../../lib/ledger/totals.ts"
import { complete } from "../support/copying.ts"
import {
  chestStudy,
  image,
  metadata,
  mustClaim,
  report,
  type TestLedger,
  testLedger,
} from "../support/ledger.ts"

const states = (ledger: Ledger, studyId = "a") =>
  objectsOf(ledger, studyId).map(({ position, path, state }) => `${position} ${path} ${state}`)

describe("A study whose files come from a listing of the origin", () => {
  const listing = (differing: Partial<DiscoveredStudy> = {}) =>
    chestStudy("a", { listsOrigin: true, objects: [metadata(), report("r1")], ...differing })

  const list = ({ ledger, runId }: TestLedger, found: readonly PlannedObject[]) => {
    const claim = mustClaim(ledger, runId, "a")
    recordListing(ledger, claim, found)
    releaseClaim(ledger, claim, { seconds: 0 })
  }

  test("keeps the listed files when the database tells something else about it", () => {
    using bench = testLedger()
    const { ledger, cohortId } = bench
    recordStudy(ledger, listing(), cohortId)
    list(bench, [image("i1"), image("i2")])
    recordStudy(ledger, listing({ sourceHash: "v2", objects: [metadata("v2")] }), cohortId)
    expect(states(ledger)).toEqual([
      "0 metadata.json pending",
      "1 reports/r1.txt retired",
      "2 dicom_files/s/i1.dcm pending",
      "3 dicom_files/s/i2.dcm pending",
    ])
  })

  test("retires what a later listing lacks, and leaves metadata and reports alone", () => {
    using bench = testLedger()
    const { ledger } = bench
    recordStudy(ledger, listing(), bench.cohortId)
    list(bench, [image("i1"), image("i2")])
    list(bench, [image("i2")])
    expect(states(ledger)).toEqual([
      "0 metadata.json pending",
      "1 reports/r1.txt pending",
      "2 dicom_files/s/i1.dcm retired",
      "3 dicom_files/s/i2.dcm pending",
    ])
  })

  test("is due from the moment in which a new file was listed, should its holder crash then", () => {
    using bench = testLedger()
    const { ledger } = bench
    recordStudy(ledger, listing(), bench.cohortId)
    complete(bench, "a")
    recordListing(ledger, mustClaim(ledger, bench.runId, "a"), [image("i1")])
    expect(studyById(ledger, "a")).toMatchObject({ due: 1, completedAt: null })
    expect(wrongTotals(ledger)).toEqual([])
  })

  test("is listed by its holder alone", () => {
    using bench = testLedger()
    recordStudy(bench.ledger, listing(), bench.cohortId)
    const stranger = { studyId: "a", token: "none" }
    expect(() => recordListing(bench.ledger, stranger, [image("i1")])).toThrow(ClaimLost)
    expect(objectsOf(bench.ledger, "a")).toHaveLength(2)
  })

  test("hands its files over to the database once that lists any", () => {
    using bench = testLedger()
    const { ledger, cohortId } = bench
    recordStudy(ledger, listing(), cohortId)
    list(bench, [image("i1"), image("i2")])
    recordStudy(
      ledger,
      chestStudy("a", { sourceHash: "v2", objects: [metadata(), report("r1"), image("i9")] }),
      cohortId,
    )
    expect(states(ledger).slice(2)).toEqual([
      "2 dicom_files/s/i1.dcm retired",
      "3 dicom_files/s/i2.dcm retired",
      "4 dicom_files/s/i9.dcm pending",
    ])
  })
})
