import {
  type ImageRow,
  imageRow,
  type ReportRow,
  reportRow,
  type SeriesRow,
  type StudyRow,
  seriesRow,
  studyRow,
} from "./pacs-rows.ts"
import { uidOf, uuidOf } from "./seed-ids.ts"
import {
  listedFiles,
  metadataFile,
  phantomFile,
  reportFile,
  type SeedObject,
  textFile,
} from "./seed-objects.ts"
import type { ImagePlan, ReportPlan, SeriesPlan, StudyPlan } from "./seed-plans.ts"
import { ORGANIZATIONS, type Staff } from "./seed-staff.ts"

/** A study's rows, and what the origin holds of it if it is eligible. */
export interface SeedStudy {
  readonly plan: StudyPlan
  readonly study: StudyRow
  readonly series: readonly SeriesRow[]
  readonly images: readonly ImageRow[]
  readonly reports: readonly ReportRow[]
  readonly objects: readonly SeedObject[]
}

export interface Site {
  readonly staff: Staff
  readonly bucket: string
  /** Pictures of a few kilobytes. */
  readonly tiny: boolean
}

/** The study that a plan describes; its number, unique in the demo, decides its ids, instants and anatomy. */
export function seedStudy(plan: StudyPlan, number: number, site: Site): SeedStudy {
  const study = studyOf(plan, number)
  const context: Context = { plan, study, number, site, folder: `${study.organization_id}/${study.id}` }
  const series = (plan.series ?? [ONE_PICTURE]).map((each, n) => seriesOf(context, each, n))
  const images = series.flatMap((each) => each.images)
  const reports = plan.reports.map((each, n) => reportOf(context, each, n))
  const objects = [
    ...[...images, ...reports].flatMap(({ object }) => object ?? []),
    ...(images.length === 0 ? listedFiles(context.folder, study, number, site.tiny) : []),
    ...(plan.metadata === false ? [] : [metadataFile(context.folder, study)]),
  ]
  return {
    plan,
    study,
    series: series.map(({ row }) => row),
    images: images.map(({ row }) => row),
    reports: reports.map(({ row }) => row),
    objects: plan.outcome === "eligible" ? objects : [],
  }
}

const ONE_PICTURE: SeriesPlan = { images: [{ view: "PA" }] }

interface Context {
  readonly plan: StudyPlan
  readonly study: StudyRow
  readonly number: number
  readonly site: Site
  /** Of the study in the origin. */
  readonly folder: string
}

function studyOf(plan: StudyPlan, number: number): StudyRow {
  const id = uuidOf(`demo study ${number}`)
  return studyRow({
    id,
    organization_id: plan.organization === undefined ? ORGANIZATIONS.quimera : plan.organization,
    dicom_study_id: uidOf(id),
    modalities: plan.modalities,
    dicom_description: plan.description,
    dicom_date_time: instant(number, 0),
    deleted: plan.deleted ?? false,
    migrated: plan.migrated ?? false,
    created_at: instant(number, 10),
    updated_at: instant(number, 20),
  })
}

function seriesOf(context: Context, plan: SeriesPlan, n: number) {
  const { study, number } = context
  const id = uuidOf(`${study.id} series ${n + 1}`)
  const row = seriesRow({
    id,
    study_id: study.id,
    dicom_series_id: uidOf(id),
    series_number: n + 1,
    modality: plan.modality === undefined ? mainModality(context.plan) : plan.modality,
    body_part_id: context.plan.bodyPart ?? null,
    created_at: instant(number, 10),
    updated_at: instant(number, 20),
  })
  return { row, images: plan.images.map((image, i) => imageOf(context, row, image, i + 1)) }
}

const mainModality = ({ modalities }: StudyPlan) => modalities?.split(",")[0]?.trim().toUpperCase() ?? null

function imageOf(context: Context, series: SeriesRow, plan: ImagePlan, instance: number) {
  const { study, number, site, folder } = context
  const id = uuidOf(`${series.id} image ${instance}`)
  const key =
    context.plan.paths === "archive"
      ? `archive/2019/${id}`
      : `${folder}/dicom_files/${series.id}/${String(instance).padStart(4, "0")}_${id}.dcm`
  const object =
    plan.instead === undefined
      ? phantomFile(key, plan, { series, study, imageId: id, instance, number, tiny: site.tiny })
      : textFile(key, "This is no image.\n")
  const row = imageRow({
    id,
    series_id: series.id,
    instance_number: plan.unnumbered ? null : instance,
    file_path: context.plan.paths === "uri" ? `s3://${site.bucket}/${key}` : key,
    file_size: number % 5 === 4 ? null : object.size,
    created_at: instant(number, 10),
  })
  return { row, object: plan.instead === "nothing" ? undefined : object }
}

function reportOf({ study, number, site, folder }: Context, plan: ReportPlan, n: number) {
  const { by, text = "origin" } = plan
  const status = plan.status ?? "SIGNED"
  const id = uuidOf(`${study.id} report ${n + 1}`)
  const object = reportFile(`${folder}/reports/${id}.txt`, study, site.staff.nameOf(by))
  const row = reportRow({
    id,
    study_id: study.id,
    signed_by_id: site.staff.signer(by, study.organization_id),
    status,
    is_active: plan.active ?? true,
    deleted: plan.deleted ?? false,
    content: text === "database" ? new TextDecoder().decode(object.bytes()) : null,
    signed_at: status === "SIGNED" ? instant(number, 60 + n) : null,
    created_at: instant(number, 30 + n),
    updated_at: instant(number, 60 + n),
  })
  return { row, object: text === "origin" ? object : undefined }
}

/** Some minutes after the study was taken. Studies are spread over a year in no order of their rules. */
function instant(number: number, minutes: number): string {
  const hour = (number * 137) % 8760
  const time = Date.UTC(2025, 0, 1, hour, minutes)
  const microseconds = String(number % 1000).padStart(3, "0")
  return `${new Date(time).toISOString().slice(0, -1)}${microseconds}+00:00`
}
