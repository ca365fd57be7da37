import { describe, expect, test } from "bun:test"
import { claimSeries } from "../../../lib/ledger/cod/claims.ts"
import { queueSeries } from "../../../lib/ledger/cod/series.ts"
import { seriesOfStudy, unpackedFiles } from "../../../lib/ledger/cod/study-series.ts"
import { packingLedger } from "../../support/packing-ledger.ts"

describe("The series of a study", () => {
  test("are told with what became of the study's files", () => {
    using bench = packingLedger()
    expect(seriesOfStudy(bench.ledger, "a")).toMatchObject([
      {
        studyUid: "1.2",
        seriesUid: "1.2.8",
        state: "packed",
        packed: 1,
        conflicts: 1,
        waiting: 0,
        errors: 0,
      },
    ])
    expect(unpackedFiles(bench.ledger, "a")).toEqual([
      {
        path: "dicom_files/s/i1.dcm",
        result: "conflict",
        verdict: "give-up",
        errorClass: "InstanceConflict",
        errorMessage: "other bytes of this UID are there",
      },
    ])
  })

  test("tell since when a lock hangs, and why", () => {
    using bench = packingLedger()
    expect(seriesOfStudy(bench.ledger, "b")).toMatchObject([
      {
        state: "failed",
        verdict: "give-up",
        hangingSince: bench.clock.now().toISOString(),
        hangingWhy: "TarDisagreesError: tar and metadata disagree",
        waiting: 1,
      },
    ])
  })

  test("wait, and files without a series are none of them", () => {
    using bench = packingLedger()
    expect(seriesOfStudy(bench.ledger, "c")).toMatchObject([
      { seriesUid: "1.4.8", state: "waiting", packed: 0, waiting: 1, hangingSince: null },
    ])
    expect(unpackedFiles(bench.ledger, "c")).toEqual([])
  })

  test("that are to be packed again wait with every file", () => {
    using bench = packingLedger()
    const claim = claimSeries(bench.ledger, bench.runId, 1)!
    bench.ledger.write((tally) => queueSeries(bench.ledger, tally, claim.seriesNo))
    expect(seriesOfStudy(bench.ledger, "a")).toMatchObject([
      { state: "waiting", packed: 0, waiting: 2, conflicts: 0 },
    ])
  })
})
