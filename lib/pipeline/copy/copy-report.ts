import type { Estimate } from "./estimate.ts"
import type { LimitName } from "./limits.ts"
import type { StudyResult } from "./study-result.ts"

export interface CopyReport {
  readonly studies: readonly StudyResult[]
  readonly totals: CopyTotals
  /** What there was to copy, and what that was expected to take. */
  readonly estimate: Estimate
}

export interface CopyTotals {
  readonly studies: number
  readonly succeeded: number
  readonly failed: number
  readonly dicom_files_uploaded: number
  readonly reports_uploaded: number
  readonly metadata_uploaded: number
  readonly skipped: number
  readonly bytes: number
  /** Of a run; a copy by itself packs nothing. */
  readonly series_packed: number
  readonly instances_new: number
  readonly instances_same: number
  readonly instances_conflict: number
  readonly thumbnails_made: number
  /** Their series are packed. */
  readonly thumbnails_failed: number
  /** What was copied as it is although something is odd about it; the log tells, and status of objects. */
  readonly warnings: number
  readonly seconds: number
  /** Studies that another run is working on; it finishes them. */
  readonly held_by_others: number
  /** The limit that ended it, if one did; then also what it left for the next copy. */
  readonly ended_by?: LimitName
  readonly left_studies?: number
  readonly left_objects?: number
  readonly left_bytes?: number
}

/** Which results a report lists. In `not-complete` there are no more than a person reads; totals count all. */
export type Listing = "all" | "not-complete"

type Sums = { -readonly [K in keyof typeof NONE]: number }

const NONE = {
  studies: 0,
  succeeded: 0,
  failed: 0,
  dicom_files_uploaded: 0,
  reports_uploaded: 0,
  metadata_uploaded: 0,
  skipped: 0,
  bytes: 0,
  series_packed: 0,
  instances_new: 0,
  instances_same: 0,
  instances_conflict: 0,
  thumbnails_made: 0,
  thumbnails_failed: 0,
  warnings: 0,
}

const MOST_NOT_COMPLETE = 1000

/** Adds up results as they come, so that what a long run remembers of them does not grow with it. */
export function collectResults(listing: Listing) {
  const studies: StudyResult[] = []
  const sums: Sums = { ...NONE }

  return {
    studies: studies as readonly StudyResult[],
    sums: sums as Readonly<Sums>,
    add(result: StudyResult, warnings = 0) {
      const { success } = result
      sums.studies += 1
      sums.succeeded += success ? 1 : 0
      sums.failed += success ? 0 : 1
      sums.dicom_files_uploaded += result.dicom_files_uploaded
      sums.reports_uploaded += result.reports_uploaded
      sums.metadata_uploaded += result.metadata_uploaded ? 1 : 0
      sums.skipped += result.skipped
      sums.bytes += result.bytes
      sums.series_packed += result.series_packed ?? 0
      sums.instances_new += result.instances_new ?? 0
      sums.instances_same += result.instances_same ?? 0
      sums.instances_conflict += result.instances_conflict ?? 0
      sums.thumbnails_made += result.thumbnails_made ?? 0
      sums.thumbnails_failed += result.thumbnails_failed ?? 0
      sums.warnings += warnings
      if (listing === "all" || (!success && studies.length < MOST_NOT_COMPLETE)) studies.push(result)
    },
  }
}

export type Results = ReturnType<typeof collectResults>
