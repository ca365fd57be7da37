import { expect, test } from "bun:test"
import { collectResults } from "../../../lib/pipeline/copy/copy-report.ts"
import { refusedStudy, type StudyResult } from "../../../lib/pipeline/copy/study-result.ts"

const copied: StudyResult = {
  study_id: "copied",
  organization_id: "org",
  success: true,
  dicom_files_uploaded: 3,
  reports_uploaded: 1,
  metadata_uploaded: true,
  errors: [],
  skipped: 2,
  bytes: 500,
  seconds: 1,
  series_packed: 3,
  instances_new: 4,
  instances_same: 1,
  instances_conflict: 2,
}
const refused = refusedStudy("refused", null, "the database has no such study")

test("totals are the sum of all results, listed or not", () => {
  for (const listing of ["all", "not-complete"] as const) {
    const results = collectResults(listing)
    results.add(copied, 2)
    results.add(refused)
    results.add(copied)
    expect(results.sums).toEqual({
      studies: 3,
      succeeded: 2,
      failed: 1,
      dicom_files_uploaded: 6,
      reports_uploaded: 2,
      metadata_uploaded: 2,
      skipped: 4,
      bytes: 1000,
      series_packed: 6,
      instances_new: 8,
      instances_same: 2,
      instances_conflict: 4,
      thumbnails_made: 0,
      thumbnails_failed: 0,
      warnings: 2,
    })
    expect(results.studies).toEqual(listing === "all" ? [copied, refused, copied] : [refused])
  }
})

test("a night in which everything fails lists no more than a person reads, unless all is asked for", () => {
  const [all, some] = [collectResults("all"), collectResults("not-complete")]
  for (let n = 0; n < 3000; n++) {
    all.add(refused)
    some.add(refused)
  }
  expect(all.studies).toHaveLength(3000)
  expect(some.studies).toHaveLength(1000)
  expect(some.sums.failed).toBe(3000)
})
