import { isToTry, objectsOf } from "../ledger/objects.ts"
import type { Ledger } from "../ledger/open.ts"
import { dueStudies, studyById } from "../ledger/studies.ts"

export interface Preview {
  readonly studies: readonly PreviewedStudy[]
  readonly totals: { readonly studies: number; readonly objects: number; readonly expected_bytes: number }
}

export interface PreviewedStudy {
  readonly study_id: string
  readonly organization_id: string
  /** Objects to try; what a listing of the origin would add is not known before it is made. */
  readonly objects: number
  /** As far as the database knows sizes. */
  readonly expected_bytes: number
}

/** What a copy would take now, by the ledger alone. */
export function previewCopy(
  ledger: Ledger,
  { studyIds = [], limit }: { readonly studyIds?: readonly string[]; readonly limit?: number | undefined },
): Preview {
  const ids = studyIds.length > 0 ? studyIds : dueStudies(ledger, limit)
  const studies = ids.flatMap((id) => {
    const study = studyById(ledger, id)
    if (study === undefined) return []
    const objects = objectsOf(ledger, id).filter(isToTry)
    const expected = objects.reduce((sum, object) => sum + (object.expectedSize ?? 0), 0)
    return [
      {
        study_id: id,
        organization_id: study.organizationId,
        objects: objects.length,
        expected_bytes: expected,
      },
    ]
  })
  const sum = (value: (study: PreviewedStudy) => number) =>
    studies.reduce((total, study) => total + value(study), 0)
  const totals = {
    studies: studies.length,
    objects: sum((study) => study.objects),
    expected_bytes: sum((study) => study.expected_bytes),
  }
  return { studies, totals }
}
