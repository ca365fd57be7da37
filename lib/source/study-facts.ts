import type { ISql } from "postgres"
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
import { studyAndItsRows, studyRows, versionOf } from "./study-rows.ts"
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
