import type { Sql } from "postgres"

/** Rows of the PACS tables, by their columns. Instants are ISO 8601 text. */
export interface OrganizationRow {
  id: string
  name: string
  slug: string
  is_demo: boolean
}

export interface UserRow {
  id: string
  email: string
  full_name: string | null
}

export interface PractitionerRow {
  id: string
  user_id: string | null
  organization_id: string | null
  full_name: string | null
}

export interface BodyPartRow {
  id: number
  name: string | null
  identifier: string | null
}

export interface StudyRow {
  id: string
  organization_id: string | null
  dicom_study_id: string | null
  modalities: string | null
  dicom_description: string | null
  dicom_date_time: string | null
  deleted: boolean
  migrated: boolean
  created_at: string
  updated_at: string
}

export interface SeriesRow {
  id: string
  study_id: string
  dicom_series_id: string | null
  series_number: number | null
  modality: string | null
  body_part_id: number | null
  created_at: string
  updated_at: string
}

export interface ImageRow {
  id: string
  series_id: string
  instance_number: number | null
  file_path: string | null
  file_size: number | null
  created_at: string
}

export interface ReportRow {
  id: string
  study_id: string
  signed_by_id: string | null
  status: string
  is_active: boolean
  deleted: boolean
  content: string | null
  signed_at: string | null
  created_at: string
  updated_at: string
}

/** The tables in the order in which their foreign keys allow rows to be inserted. */
export interface PacsRows {
  pacs_organizations: OrganizationRow[]
  pacs_users: UserRow[]
  pacs_practitioners: PractitionerRow[]
  pacs_body_part: BodyPartRow[]
  pacs_studies: StudyRow[]
  pacs_series: SeriesRow[]
  pacs_images: ImageRow[]
  pacs_reports: ReportRow[]
}

export function emptyPacs(): PacsRows {
  return {
    pacs_organizations: [],
    pacs_users: [],
    pacs_practitioners: [],
    pacs_body_part: [],
    pacs_studies: [],
    pacs_series: [],
    pacs_images: [],
    pacs_reports: [],
  }
}

/** Inserts every row, one statement a table; all or nothing. */
export async function insertRows(sql: Sql, rows: Partial<PacsRows>): Promise<void> {
  const tables = Object.keys(emptyPacs()) as (keyof PacsRows)[]
  await sql.begin(async (tx) => {
    for (const table of tables) {
      const inserted = rows[table] ?? []
      if (inserted.length === 0) continue
      await tx`
        insert into ${tx(table)}
        select * from json_populate_recordset(null::${tx(table)}, ${JSON.stringify(inserted)}::text::json)`
    }
  })
}

const SOME_DAY = "2025-01-15T08:00:00+00:00"

export function organizationRow(row: Partial<OrganizationRow> = {}): OrganizationRow {
  const id = row.id ?? crypto.randomUUID()
  return { id, name: "Hospital", slug: `hospital-${id}`, is_demo: false, ...row }
}

export function userRow(row: Partial<UserRow> = {}): UserRow {
  const id = row.id ?? crypto.randomUUID()
  return { id, email: `${id}@example.org`, full_name: null, ...row }
}

export function practitionerRow(row: Partial<PractitionerRow> = {}): PractitionerRow {
  return { id: crypto.randomUUID(), user_id: null, organization_id: null, full_name: null, ...row }
}

export function bodyPartRow(row: Pick<BodyPartRow, "id"> & Partial<BodyPartRow>): BodyPartRow {
  return { name: null, identifier: null, ...row }
}

export function studyRow(row: Partial<StudyRow> = {}): StudyRow {
  return {
    id: crypto.randomUUID(),
    organization_id: null,
    dicom_study_id: null,
    modalities: "DX",
    dicom_description: "CHEST PA",
    dicom_date_time: SOME_DAY,
    deleted: false,
    migrated: false,
    created_at: SOME_DAY,
    updated_at: SOME_DAY,
    ...row,
  }
}

export function seriesRow(row: Pick<SeriesRow, "study_id"> & Partial<SeriesRow>): SeriesRow {
  return {
    id: crypto.randomUUID(),
    dicom_series_id: null,
    series_number: 1,
    modality: "DX",
    body_part_id: null,
    created_at: SOME_DAY,
    updated_at: SOME_DAY,
    ...row,
  }
}

export function imageRow(row: Pick<ImageRow, "series_id"> & Partial<ImageRow>): ImageRow {
  return {
    id: crypto.randomUUID(),
    instance_number: 1,
    file_path: null,
    file_size: null,
    created_at: SOME_DAY,
    ...row,
  }
}

export function reportRow(row: Pick<ReportRow, "study_id"> & Partial<ReportRow>): ReportRow {
  return {
    id: crypto.randomUUID(),
    signed_by_id: null,
    status: "SIGNED",
    is_active: true,
    deleted: false,
    content: null,
    signed_at: SOME_DAY,
    created_at: SOME_DAY,
    updated_at: SOME_DAY,
    ...row,
  }
}
