/**
 * Where everything of a study lies at the destination; the origin uses the same keys.
 *
 *     {organization_id}/{study_id}/metadata.json
 *     {organization_id}/{study_id}/reports/{report_id}.txt
 *     {organization_id}/{study_id}/dicom_files/{series_id}/{instance_number:04d}_{image_id}.dcm
 *     _receipts/{organization_id}/{study_id}.json
 */
export interface StudyIds {
  readonly organizationId: string
  readonly studyId: string
}

export const METADATA_PATH = "metadata.json"
export const DICOM_FOLDER = "dicom_files/"
export const RECEIPTS_FOLDER = "_receipts/"

/** Ends with a slash: every key of the study begins with it, and no other study's does. */
export function studyPrefix({ organizationId, studyId }: StudyIds): string {
  return `${organizationId}/${studyId}/`
}

export function objectKey(study: StudyIds, path: string): string {
  return studyPrefix(study) + path
}

export function reportPath(reportId: string): string {
  return `reports/${reportId}.txt`
}

/** Without an instance number the image id stands alone. */
export function dicomPath(image: {
  readonly seriesId: string
  readonly imageId: string
  readonly instanceNumber: number | undefined
}): string {
  const { seriesId, imageId, instanceNumber } = image
  const name = instanceNumber === undefined ? imageId : `${fourDigits(instanceNumber)}_${imageId}`
  return `${DICOM_FOLDER}${seriesId}/${name}.dcm`
}

export function receiptKey({ organizationId, studyId }: StudyIds): string {
  return `${RECEIPTS_FOLDER}${organizationId}/${studyId}.json`
}

/** As Python's `:04d` writes it, which named the files until now: the sign counts as a digit. */
function fourDigits(value: number): string {
  const digits = String(Math.abs(value))
  return value < 0 ? `-${digits.padStart(3, "0")}` : digits.padStart(4, "0")
}
