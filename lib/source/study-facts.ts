import type { ISql } from "postgres"
import type { Reading } from "./connection.ts"
import type { ChosenDoctor, SourceImage, SourceReport, SourceSeries, SourceStudy } from "./rows.ts"
import { isCopied, signedReports } from "./rules.ts"
import { uuidArray } from "./uuid.ts"
import { fingerprint, studyVersions } from "./versions.ts"

/**
 * All that is told and copied of these studies, in the order of `ids`: a handful of statements, however many
 * there are. What the rules say of them is not asked; their reports are those that count and that one of
 * `doctors` signed.
 */
export async function readStudies(
  { sql, run }: Reading,
  ids: readonly string[],
  doctors: readonly ChosenDoctor[],
): Promise<SourceStudy[]> {
  if (ids.length === 0) return []
  const these = uuidArray(ids)
  const [, studies, reports, series, images] = await Promise.all([
    run(wholeTables(sql, "off")),
    run(sql<StudyRow[]>`
      select id, organization_id, dicom_study_id, modalities, dicom_description, dicom_date_time,
        created_at, updated_at
      from pacs_studies where id = any(${these}::uuid[]) and organization_id is not null`),
    run(sql<ReportRow[]>`
      select id, study_id, user_id, signed_at, updated_at
      from (${signedReports(sql, these)}) signed
      order by signed_at nulls last, id`),
    run(sql<SeriesRow[]>`
      select s.id, study_id, dicom_series_id, series_number, modality, updated_at,
        body_part_id, b.name, b.identifier,
        exists (select from pacs_images i where i.series_id = s.id) as has_images
      from pacs_series s left join pacs_body_part b on b.id = s.body_part_id
      where study_id = any(${these}::uuid[])
      order by series_number nulls last, s.id`),
    run(sql<ImageRow[]>`
      select i.id, study_id, series_id, instance_number, file_path, file_size, i.created_at
      from pacs_series s join pacs_images i on i.series_id = s.id
      where study_id = any(${these}::uuid[]) and ${isCopied(sql, sql`s.modality`)}
      order by series_number nulls last, instance_number nulls last, i.id`),
    run(wholeTables(sql, "on")),
  ])
  const found = new Map(studies.map((row) => [row.id, row]))
  const reportsOf = Map.groupBy(reports, ({ study_id }) => study_id)
  const seriesOf = Map.groupBy(series, ({ study_id }) => study_id)
  const imagesOf = Map.groupBy(images, ({ study_id }) => study_id)
  const rankOf = new Map(doctors.map(({ userId, rank }) => [userId, rank]))
  return ids.flatMap((id) => {
    const study = found.get(id)
    if (study === undefined) return []
    return [assemble(study, reportsOf.get(id) ?? [], seriesOf.get(id) ?? [], imagesOf.get(id) ?? [], rankOf)]
  })
}

/**
 * Whether the planner may read tables whole. Of tables that nobody analyzed yet, it takes some hundred ids
 * for half of the rows, and would do so for every batch.
 */
function wholeTables(sql: ISql, allowed: "on" | "off") {
  return sql`
    select set_config(name, ${allowed}, true)
    from unnest(array['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin']) name`
}

interface StudyRow {
  readonly id: string
  readonly organization_id: string
  readonly dicom_study_id: string | null
  readonly modalities: string | null
  readonly dicom_description: string | null
  readonly dicom_date_time: string | null
  readonly created_at: string
  readonly updated_at: string
}

interface ReportRow {
  readonly id: string
  readonly study_id: string
  readonly user_id: string
  readonly signed_at: string | null
  readonly updated_at: string
}

interface SeriesRow {
  readonly id: string
  readonly study_id: string
  readonly dicom_series_id: string | null
  readonly series_number: number | null
  readonly modality: string | null
  readonly updated_at: string
  readonly body_part_id: number | null
  readonly name: string | null
  readonly identifier: string | null
  readonly has_images: boolean
}

interface ImageRow {
  readonly id: string
  readonly study_id: string
  readonly series_id: string
  readonly instance_number: number | null
  readonly file_path: string | null
  /** A bigint, which the driver leaves as text. */
  readonly file_size: string | null
  readonly created_at: string
}

function assemble(
  row: StudyRow,
  reportRows: readonly ReportRow[],
  seriesRows: readonly SeriesRow[],
  imageRows: readonly ImageRow[],
  rankOf: ReadonlyMap<string, number>,
): SourceStudy {
  const reports = reportRows.flatMap((report) => {
    const rank = rankOf.get(report.user_id)
    return rank === undefined ? [] : [sourceReport(report, rank)]
  })
  const study = {
    studyId: row.id,
    organizationId: row.organization_id,
    dicomStudyUid: row.dicom_study_id ?? undefined,
    modalities: row.modalities ?? undefined,
    description: row.dicom_description ?? undefined,
    studyDateTime: row.dicom_date_time ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    newestSignedAt: reports.findLast(({ signedAt }) => signedAt !== undefined)?.signedAt,
    reports,
    series: seriesRows.map(sourceSeries),
    images: imageRows.map(sourceImage),
    imagesInDatabase: seriesRows.some((series) => series.has_images),
  }
  return {
    ...study,
    ...studyVersions(
      study,
      seriesRows.map((series) => series.updated_at),
    ),
  }
}

function sourceReport(row: ReportRow, rank: number): SourceReport {
  return {
    reportId: row.id,
    userId: row.user_id,
    rank,
    signedAt: row.signed_at ?? undefined,
    version: fingerprint(row.id, row.signed_at, row.updated_at),
  }
}

function sourceSeries(row: SeriesRow): SourceSeries {
  const bodyPart = { name: row.name ?? undefined, identifier: row.identifier ?? undefined }
  return {
    seriesId: row.id,
    dicomSeriesUid: row.dicom_series_id ?? undefined,
    seriesNumber: row.series_number ?? undefined,
    modality: row.modality ?? undefined,
    bodyPart: row.body_part_id === null ? undefined : bodyPart,
  }
}

function sourceImage(row: ImageRow): SourceImage {
  return {
    imageId: row.id,
    seriesId: row.series_id,
    instanceNumber: row.instance_number ?? undefined,
    filePath: row.file_path ?? undefined,
    fileSize: row.file_size === null ? undefined : Number(row.file_size),
    version: fingerprint(
      row.id,
      row.series_id,
      row.instance_number,
      row.file_path,
      row.file_size,
      row.created_at,
    ),
  }
}
