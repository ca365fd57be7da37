import { type CopyResult, isCopied } from "../../ledger/attempts.ts"
import type { LedgerObject } from "../../ledger/objects.ts"
import { describeError } from "../../support/errors.ts"
import type { StudyPacking } from "../ingest/ingest-study.ts"
import type { StudyIds } from "../layout.ts"

/** What became of one study, under the names that users of the replaced system know. */
export interface StudyResult {
  readonly study_id: string
  /** Null for an id that is in neither the ledger nor the database. */
  readonly organization_id: string | null
  /** Every object of the study is at the destination, verified, and its receipt is written. */
  readonly success: boolean
  /** Uploads of this run. */
  readonly dicom_files_uploaded: number
  readonly reports_uploaded: number
  readonly metadata_uploaded: boolean
  readonly errors: readonly string[]
  /** Objects that were there already, by an earlier run or another tool. */
  readonly skipped: number
  /** Sent to the destination by this run. */
  readonly bytes: number
  readonly seconds: number
  /** What a run made of its series; absent in a copy by itself. */
  readonly series_packed?: number
  readonly instances_new?: number
  readonly instances_same?: number
  readonly instances_conflict?: number
  readonly series_lost?: number
  readonly thumbnails_made?: number
  readonly thumbnails_failed?: number
}

/** A result with what became of the study's series. */
export function withPacking(result: StudyResult, packing: StudyPacking | undefined): StudyResult {
  if (packing === undefined) return result
  const { errors, held_by_others: _, ...packed } = packing
  return {
    ...result,
    ...packed,
    success: result.success && errors.length === 0,
    errors: [...result.errors, ...errors],
  }
}

/** Adds up what happens to the objects of one study while it is copied. */
export class StudyTally {
  /** All of it is at the destination, and its receipt. */
  complete = false
  /** What was copied as it is although something is odd about it. */
  readonly warnings: string[] = []
  private readonly uploads = { metadata: 0, report: 0, dicom: 0 }
  private readonly errors: string[] = []
  private skipped = 0
  private bytes = 0
  private readonly startedAt = performance.now()

  constructor(private readonly study: StudyIds) {}

  get seconds(): number {
    return (performance.now() - this.startedAt) / 1000
  }

  skip(objects: number) {
    this.skipped += objects
  }

  settled(object: LedgerObject, result: CopyResult) {
    if (!isCopied(result)) {
      this.errors.push(`${object.path}: ${result.errorClass}: ${result.errorMessage}`)
      return
    }
    if (result.outcome === "copied") this.uploads[object.kind] += 1
    else this.skipped += 1
    this.bytes += result.bytes
    if (result.warning !== undefined) this.warn(`${object.path}: ${result.warning}`)
  }

  givenUp({ path, errorClass, errorMessage }: LedgerObject) {
    this.errors.push(
      `${path}: ${errorClass}: ${errorMessage} (given up before; --retry-failed tries it again)`,
    )
  }

  warn(text: string) {
    this.warnings.push(text)
  }

  failed(error: unknown) {
    const { class: name, message } = describeError(error)
    this.errors.push(`${name}: ${message}`)
  }

  result(): StudyResult {
    return {
      study_id: this.study.studyId,
      organization_id: this.study.organizationId,
      success: this.complete && this.errors.length === 0,
      dicom_files_uploaded: this.uploads.dicom,
      reports_uploaded: this.uploads.report,
      metadata_uploaded: this.uploads.metadata > 0,
      errors: this.errors,
      skipped: this.skipped,
      bytes: this.bytes,
      seconds: Math.round(this.seconds * 1000) / 1000,
    }
  }
}

/** The result of an id that cannot be copied at all. */
export function refusedStudy(studyId: string, organizationId: string | null, reason: string): StudyResult {
  return {
    study_id: studyId,
    organization_id: organizationId,
    success: false,
    dicom_files_uploaded: 0,
    reports_uploaded: 0,
    metadata_uploaded: false,
    errors: [reason],
    skipped: 0,
    bytes: 0,
    seconds: 0,
  }
}
