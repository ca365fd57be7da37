import type { DeletedCopies } from "./delete-copies.ts"
import type { StudyPacking } from "./ingest-study.ts"

/** What became of one study. */
export interface IngestedStudy extends StudyPacking {
  readonly study_id: string
  readonly organization_id: string | null
  /** All that waited is packed. */
  readonly success: boolean
  readonly seconds: number
}

export interface IngestTotals {
  readonly studies: number
  readonly succeeded: number
  readonly failed: number
  readonly series_packed: number
  readonly instances_new: number
  readonly instances_same: number
  readonly instances_conflict: number
  /** Series that another run is packing; it finishes them. */
  readonly held_by_others: number
  /** Series that somebody else had overwritten since they were packed, and that were packed again. */
  readonly series_lost: number
  readonly thumbnails_made: number
  /** Their series are packed. */
  readonly thumbnails_failed: number
  readonly seconds: number
}

export interface IngestReport {
  readonly studies: readonly IngestedStudy[]
  readonly totals: IngestTotals
  /** What became of raw copies, where they were to be deleted. */
  readonly copies?: DeletedCopies
}

const NONE = {
  studies: 0,
  succeeded: 0,
  failed: 0,
  series_packed: 0,
  instances_new: 0,
  instances_same: 0,
  instances_conflict: 0,
  series_lost: 0,
  thumbnails_made: 0,
  thumbnails_failed: 0,
  held_by_others: 0,
}

/** In `not-complete` there are no more than a person reads; totals count all. */
const MOST_NOT_COMPLETE = 1000

/** Adds up results as they come, so that what a long run remembers of them does not grow with it. */
export function collectPacked(listing: "all" | "not-complete") {
  const studies: IngestedStudy[] = []
  const sums: { -readonly [K in keyof typeof NONE]: number } = { ...NONE }
  return {
    studies: studies as readonly IngestedStudy[],
    sums: sums as Readonly<typeof sums>,
    add(result: IngestedStudy) {
      sums.studies += 1
      sums.succeeded += result.success ? 1 : 0
      sums.failed += result.success ? 0 : 1
      sums.series_packed += result.series_packed
      sums.instances_new += result.instances_new
      sums.instances_same += result.instances_same
      sums.instances_conflict += result.instances_conflict
      sums.series_lost += result.series_lost
      sums.thumbnails_made += result.thumbnails_made
      sums.thumbnails_failed += result.thumbnails_failed
      sums.held_by_others += result.held_by_others
      if (listing === "all" || (!result.success && studies.length < MOST_NOT_COMPLETE)) studies.push(result)
    },
  }
}
