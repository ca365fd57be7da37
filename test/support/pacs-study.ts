import {
  type BodyPartRow,
  bodyPartRow,
  emptyPacs,
  type ImageRow,
  imageRow,
  type OrganizationRow,
  organizationRow,
  type PacsRows,
  type PractitionerRow,
  practitionerRow,
  type ReportRow,
  reportRow,
  type SeriesRow,
  type StudyRow,
  seriesRow,
  studyRow,
  userRow,
} from "../../lib/demo/pacs-rows.ts"

/** The one user of `eligibleRows`, and everything that differs from an eligible study. */
export interface Differences {
  readonly organization?: Partial<OrganizationRow>
  readonly practitioner?: Partial<PractitionerRow>
  readonly bodyPart?: Partial<BodyPartRow>
  readonly study?: Partial<StudyRow>
  readonly series?: Partial<SeriesRow>
  readonly image?: Partial<ImageRow>
  readonly report?: Partial<ReportRow>
}

let bodyParts = 0

/** A study that is eligible when `userId` is chosen, but for the differences; a row in each table it needs. */
export function eligibleRows(userId: string, differences: Differences = {}): PacsRows {
  const organization = organizationRow(differences.organization)
  const bodyPart = bodyPartRow({ id: ++bodyParts, name: "CHEST", ...differences.bodyPart })
  const practitioner = practitionerRow({
    user_id: userId,
    organization_id: organization.id,
    ...differences.practitioner,
  })
  const study = studyRow({
    organization_id: organization.id,
    dicom_description: "PA",
    ...differences.study,
  })
  const series = seriesRow({ study_id: study.id, body_part_id: bodyPart.id, ...differences.series })
  const image = imageRow({ series_id: series.id, ...differences.image })
  const report = reportRow({ study_id: study.id, signed_by_id: practitioner.id, ...differences.report })
  return {
    pacs_organizations: [organization],
    pacs_users: [],
    pacs_practitioners: [practitioner],
    pacs_body_part: [bodyPart],
    pacs_studies: [study],
    pacs_series: [series],
    pacs_images: [image],
    pacs_reports: [report],
  }
}

export function doctor(userId: string): Partial<PacsRows> {
  return { pacs_users: [userRow({ id: userId })] }
}

/** All rows of all of them. */
export function together(...all: readonly Partial<PacsRows>[]): PacsRows {
  const tables = Object.keys(emptyPacs()) as (keyof PacsRows)[]
  return Object.fromEntries(
    tables.map((table) => [table, all.flatMap((rows): object[] => rows[table] ?? [])]),
  ) as unknown as PacsRows
}
