import type { Fragment, ISql } from "postgres"
import { mapAhead } from "../support/map-ahead.ts"
import type { Reading } from "./connection.ts"
import type {
  ChosenDoctor,
  SourceImage,
  SourceReport,
  SourceSeries,
  SourceStudy,
  StudyVersion,
} from "./rows.ts"
import { chosenDoctors, isCopied, signedReports } from "./rules.ts"
import { uuidArray } from "./uuid.ts"
import { fingerprint, metadataVersion } from "./versions.ts"

/**
 * All that is told and copied of these studies, in the order of `ids`: one statement, however many there are. What the
 * rules say of them is not asked; their reports are those that count and that one of `doctors` signed.
 */
export async function readStudies(
  { sql, run }: Reading,
  ids: readonly string[],
  doctors: readonly ChosenDoctor[],
): Promise<SourceStudy[]> {
  const rows = await run(sql<{ study: StudyFacts }[]>`
    with ${studyRows(sql, ids, doctors)}
    select json_build_array(s.id, ${versionOf(sql)}, s.organization_id, s.dicom_study_id, s.modalities,
      s.dicom_description, s.dicom_date_time, s.created_at, s.updated_at, reports.list, series.list) as study
    from ${studyAndItsRows(sql)} where s.organization_id is not null`)
  const found = new Map(rows.map(({ study }) => [study[0], study]))
  return ids.flatMap((id) => {
    const study = found.get(id)
    return study === undefined ? [] : [assemble(study)]
  })
}

/** The same, page by page; the next one is read while the last is still being worked on. */
export async function* readPages(
  reading: Reading,
  pages: Iterable<readonly string[]>,
  doctors: readonly ChosenDoctor[],
): AsyncGenerator<SourceStudy[]> {
  const { sql, run } = reading
  await run(wholeTables(sql, "off"))
  yield* mapAhead(pages, (ids) => readStudies(reading, ids, doctors))
  await run(wholeTables(sql, "on"))
}

/**
 * Whether the planner may read tables whole. Of tables that nobody analyzed yet, it takes some hundred ids for half of the
 * rows, and would do so for every page.
 */
function wholeTables(sql: ISql, allowed: "on" | "off") {
  return sql`select set_config('enable_seqscan', ${allowed}, true)`
}

/** Studies whose versions are told at once. */
const CHUNK = 1000

/** Versions of these studies, a thousand at a time and in no order: what `readStudies` would tell as `sourceHash`. */
export async function readVersions(
  { sql, run }: Reading,
  ids: readonly string[],
  doctors: readonly ChosenDoctor[],
  each: (versions: readonly StudyVersion[]) => void,
): Promise<void> {
  const take = ({ chunk }: VersionsRow) =>
    each(chunk.map(([studyId, sourceHash]) => ({ studyId, sourceHash })))
  // Of many studies the database makes better plans when it need not spill what it sorts and hashes.
  await run(sql`select set_config('work_mem', '64MB', true)`)
  await run(
    sql<VersionsRow[]>`
      with ${studyRows(sql, ids, doctors)},
      version as (
        select s.id, ${versionOf(sql)} as version, row_number() over () / ${CHUNK} as chunk
        from ${studyAndItsRows(sql)}
      )
      select json_agg(json_build_array(id, version)) as chunk from version group by chunk`.forEach(take),
  )
}

interface VersionsRow {
  readonly chunk: readonly (readonly [id: string, version: string])[]
}

/**
 * CTEs `reports (study_id, version, list)` and `series (study_id, version, list)` of some studies, `wanted`. A version is
 * a sum of hashes, which knows no order; what is not asked for of a CTE is not computed.
 */
function studyRows(sql: ISql, ids: readonly string[], doctors: readonly ChosenDoctor[]): Fragment {
  return sql`
    wanted as (select id from unnest(${uuidArray(ids)}::uuid[]) id),
    doctor as (${chosenDoctors(sql, doctors)}),
    reports as (
      select study_id, sum(${rowHash(sql, sql`r.id, user_id, signed_at, updated_at`)}) as version,
        json_agg(json_build_array(r.id, user_id, rank, signed_at, updated_at) order by signed_at nulls last, r.id) as list
      from (${signedReports(sql)}) r join doctor using (user_id)
      where study_id in (select id from wanted)
      group by study_id
    ),
    series_and_images as (
      select s.id, study_id, dicom_series_id, series_number, modality, updated_at, body_part_id, name, identifier,
        ${isCopied(sql, sql`modality`)} as copied, count(i.id) > 0 as has_images,
        sum(${rowHash(sql, sql`i.id, instance_number, file_path, file_size, i.created_at`)}) as images_version,
        json_agg(json_build_array(i.id, instance_number, file_path, file_size, i.created_at)
          order by instance_number nulls last, i.id) as images
      from pacs_series s
      left join pacs_body_part b on b.id = s.body_part_id
      left join pacs_images i on i.series_id = s.id
      where study_id in (select id from wanted)
      group by s.id, b.id
    ),
    series as (
      select study_id,
        sum(${rowHash(
          sql,
          sql`id, dicom_series_id, series_number, modality, updated_at, body_part_id, name, identifier, has_images,
            case when copied then images_version end`,
        )}) as version,
        json_agg(json_build_array(id, dicom_series_id, series_number, modality, body_part_id, name, identifier,
          has_images, case when copied and has_images then images end) order by series_number nulls last, id) as list
      from series_and_images
      group by study_id
    )`
}

function studyAndItsRows(sql: ISql): Fragment {
  return sql`wanted join pacs_studies s on s.id = wanted.id
    left join reports on reports.study_id = s.id left join series on series.study_id = s.id`
}

function versionOf(sql: ISql): Fragment {
  const all = sql`s.organization_id, s.dicom_study_id, s.modalities, s.dicom_description, s.dicom_date_time,
    s.created_at, s.updated_at, reports.version, series.version`
  return sql`lpad(to_hex(${rowHash(sql, all)}), 16, '0')`
}

/** 64 bits, the same for the same values; needs no cryptography, which a server may have been built without. */
function rowHash(sql: ISql, columns: Fragment): Fragment {
  return sql`hash_record_extended(row(${columns}), 0)`
}

// As JSON tells them; instants are ISO 8601 in UTC, given what the transaction sets `timezone` to.

type StudyFacts = readonly [
  id: string,
  version: string,
  organizationId: string,
  dicomStudyUid: string | null,
  modalities: string | null,
  description: string | null,
  studyDateTime: string | null,
  createdAt: string,
  updatedAt: string,
  reports: readonly ReportFacts[] | null,
  series: readonly SeriesFacts[] | null,
]

type ReportFacts = readonly [
  id: string,
  userId: string,
  rank: number,
  signedAt: string | null,
  updatedAt: string,
]

type SeriesFacts = readonly [
  id: string,
  dicomSeriesUid: string | null,
  seriesNumber: number | null,
  modality: string | null,
  bodyPartId: number | null,
  bodyPartName: string | null,
  bodyPartIdentifier: string | null,
  hasImages: boolean,
  images: readonly ImageFacts[] | null,
]

type ImageFacts = readonly [
  id: string,
  instanceNumber: number | null,
  filePath: string | null,
  fileSize: number | null,
  createdAt: string,
]

function assemble(facts: StudyFacts): SourceStudy {
  const [
    studyId,
    sourceHash,
    organizationId,
    dicomStudyUid,
    modalities,
    description,
    studyDateTime,
    ...rest
  ] = facts
  const [createdAt, updatedAt, reportFacts, seriesFacts] = rest
  const reports = (reportFacts ?? []).map(sourceReport)
  const series = seriesFacts ?? []
  const study = {
    studyId,
    organizationId,
    dicomStudyUid: dicomStudyUid ?? undefined,
    modalities: modalities ?? undefined,
    description: description ?? undefined,
    studyDateTime: studyDateTime ?? undefined,
    createdAt,
    updatedAt,
    newestSignedAt: reports.findLast(({ signedAt }) => signedAt !== undefined)?.signedAt,
    reports,
    series: series.map(sourceSeries),
    images: series.flatMap(sourceImages),
    imagesInDatabase: series.some(([, , , , , , , hasImages]) => hasImages),
  }
  return { ...study, sourceHash, metadataVersion: metadataVersion(study) }
}

function sourceReport([reportId, userId, rank, signedAt, updatedAt]: ReportFacts): SourceReport {
  return {
    reportId,
    userId,
    rank,
    signedAt: signedAt ?? undefined,
    version: fingerprint(reportId, signedAt, updatedAt),
  }
}

function sourceSeries(facts: SeriesFacts): SourceSeries {
  const [seriesId, dicomSeriesUid, seriesNumber, modality, bodyPartId, name, identifier] = facts
  return {
    seriesId,
    dicomSeriesUid: dicomSeriesUid ?? undefined,
    seriesNumber: seriesNumber ?? undefined,
    modality: modality ?? undefined,
    bodyPart:
      bodyPartId === null ? undefined : { name: name ?? undefined, identifier: identifier ?? undefined },
  }
}

function sourceImages([seriesId, , , , , , , , images]: SeriesFacts): SourceImage[] {
  return (images ?? []).map(([imageId, instanceNumber, filePath, fileSize, createdAt]) => ({
    imageId,
    seriesId,
    instanceNumber: instanceNumber ?? undefined,
    filePath: filePath ?? undefined,
    fileSize: fileSize ?? undefined,
    version: fingerprint(
      imageId,
      seriesId,
      instanceNumber,
      filePath,
      fileSize?.toString() ?? null,
      createdAt,
    ),
  }))
}
