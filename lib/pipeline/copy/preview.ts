import { isToTry, type LedgerObject, objectsOf } from "../../ledger/objects.ts"
import type { Ledger } from "../../ledger/open.ts"
import { type LedgerStudy, studyById } from "../../ledger/studies.ts"
import { dueStudies, eligibleStudies } from "../../ledger/study-lists.ts"
import { failureList } from "../../ledger/views.ts"
import type { CopyOptions } from "./copy.ts"
import { type Estimate, estimateOf, type Terms } from "./estimate.ts"
import { whyLeftAlone } from "./left-alone.ts"

export interface Preview {
  readonly studies: readonly PreviewedStudy[]
  /** Named studies of which nothing would be copied, or nothing is known before the database is asked. */
  readonly left_out: readonly { readonly study_id: string; readonly reason: string }[]
  readonly totals: Estimate
}

export interface PreviewedStudy {
  readonly study_id: string
  readonly organization_id: string
  /** Objects to try; what a listing of the origin would add is not known before it is made. */
  readonly objects: number
  /** Of the images whose size the database knows. */
  readonly expected_bytes: number
  /** Images whose size it does not know. */
  readonly unknown_sizes: number
}

type PreviewOptions = Pick<CopyOptions, "studyIds" | "limit" | "retryFailed" | "force">

/** What a copy with these options would take now, by the ledger alone. */
export function previewCopy(ledger: Ledger, options: PreviewOptions, terms: Terms = {}): Preview {
  const ids = [...new Set(idsToPreview(ledger, options))]
  const leftOut = ids.flatMap((study_id) => {
    const study = studyById(ledger, study_id)
    const reason = study === undefined ? NOT_KNOWN : whyLeftAlone(study)
    return reason === undefined ? [] : [{ study_id, reason }]
  })
  const omitted = new Set(leftOut.map(({ study_id }) => study_id))
  const studies = ids.filter((id) => !omitted.has(id)).map((id) => previewOf(ledger, id, options))
  const sum = (value: (study: PreviewedStudy) => number) =>
    studies.reduce((total, study) => total + value(study), 0)
  const totals = estimateOf(ledger, terms, {
    studies: studies.length,
    objects: sum((study) => study.objects),
    expected_bytes: sum((study) => study.expected_bytes),
    unknown_sizes: sum((study) => study.unknown_sizes),
  })
  return { studies, left_out: leftOut, totals }
}

const NOT_KNOWN = "not in the ledger: a copy would look it up in the database"

function idsToPreview(ledger: Ledger, options: PreviewOptions): readonly string[] {
  const { studyIds = [], limit, force = false, retryFailed = false } = options
  if (studyIds.length > 0) return studyIds
  if (force) return eligibleStudies(ledger, limit)
  if (!retryFailed) return dueStudies(ledger, limit)
  const given = failureList(ledger, Number.MAX_SAFE_INTEGER).filter(({ verdict }) => verdict === "give-up")
  return [...new Set([...dueStudies(ledger), ...given.map(({ study_id }) => study_id)])]
    .map((id) => studyById(ledger, id)!)
    .sort(newestFirst)
    .slice(0, limit)
    .map(({ studyId }) => studyId)
}

function newestFirst(a: LedgerStudy, b: LedgerStudy): number {
  const [first = "", second = ""] = [a.newestSignedAt ?? "", b.newestSignedAt ?? ""]
  if (first !== second) return first < second ? 1 : -1
  return a.studyId < b.studyId ? -1 : 1
}

function previewOf(
  ledger: Ledger,
  studyId: string,
  { force = false, retryFailed = false }: PreviewOptions,
): PreviewedStudy {
  const isTaken = (object: LedgerObject) =>
    isToTry(object) ||
    (object.state !== "retired" && (force || (retryFailed && object.verdict === "give-up")))
  const objects = objectsOf(ledger, studyId).filter(isTaken)
  return {
    study_id: studyId,
    organization_id: studyById(ledger, studyId)!.organizationId,
    objects: objects.length,
    expected_bytes: objects.reduce((sum, object) => sum + (object.expectedSize ?? 0), 0),
    unknown_sizes: objects.filter(({ kind, expectedSize }) => kind === "dicom" && expectedSize === null)
      .length,
  }
}
