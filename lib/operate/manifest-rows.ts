import type { CompleteStudy, StandingObject } from "../ledger/complete.ts"
import { objectKey } from "../pipeline/layout.ts"
import { UsageError } from "../support/errors.ts"
import { safe } from "../support/text.ts"

/** One image of a complete study, with the reports of the study. Paths are keys below DESTINATION_URI. */
export interface ManifestRow {
  readonly study_id: string
  readonly organization_id: string
  readonly image_path: string
  /** Bytes. */
  readonly size: number
  /** Of the bytes, base64 of the big-endian 4 bytes, as GCS writes it. */
  readonly crc32c: string
  readonly source_etag: string | null
  /** ISO 8601 in UTC. */
  readonly copied_at: string
  readonly doctor_rank: number | null
  /** That planned the study. */
  readonly cohort: number
  /** `eligible`, or why nothing more of the study is copied: `out_of_cohort`, `withdrawn`. */
  readonly standing: string
  readonly reports: readonly {
    readonly path: string
    readonly size: number
    readonly crc32c: string
  }[]
  /** UIDs, transfer syntax and frames as the file's header says; null where it was not read. */
  readonly study_instance_uid: string | null
  readonly series_instance_uid: string | null
  readonly sop_instance_uid: string | null
  readonly transfer_syntax: string | null
  readonly frames: number | null
  /** What became of the image in its series: `new` and `same` are there, `conflict` and `error` are not. */
  readonly cod_result: string | null
  /** Of the image in the tar of its series; null where it is not there. */
  readonly cod_uri: string | null
  readonly cod_start_byte: number | null
  /** Bytes. */
  readonly cod_size: number | null
  /** ISO 8601 in UTC. From then on nothing is at `image_path`; the image is at `cod_uri`. */
  readonly copy_deleted_at: string | null
}

/** URI of an instance in the tar of its series. */
export type InstancePlaces = (uids: {
  readonly studyUid: string
  readonly seriesUid: string
  readonly instanceUid: string
}) => string

/** How rows are written: the line before the first, if any, and each row as a line of its own. */
export interface ManifestFormat {
  readonly header: string
  readonly line: (row: ManifestRow) => string
}

/** The images of a study in their order; they share one list of reports. */
export function* rowsOf(study: CompleteStudy, places: InstancePlaces | undefined): Generator<ManifestRow> {
  const key = ({ path }: StandingObject) => objectKey(study, path)
  const reports = study.objects
    .filter(({ kind }) => kind === "report")
    .map((report) => ({ path: key(report), size: report.size, crc32c: report.crc32c }))
  for (const image of study.objects) {
    if (image.kind !== "dicom") continue
    yield {
      study_id: study.studyId,
      organization_id: study.organizationId,
      image_path: key(image),
      size: image.size,
      crc32c: image.crc32c,
      source_etag: image.sourceEtag,
      copied_at: image.copiedAt,
      doctor_rank: study.doctorRank,
      cohort: study.cohortId,
      standing: study.standing,
      reports,
      study_instance_uid: image.studyUid,
      series_instance_uid: image.seriesUid,
      sop_instance_uid: image.instanceUid,
      transfer_syntax: image.transferSyntax,
      frames: image.frames,
      ...packedAs(image, places),
      copy_deleted_at: image.copyDeletedAt,
    }
  }
}

type Packed = Pick<ManifestRow, "cod_result" | "cod_uri" | "cod_start_byte" | "cod_size">

function packedAs(image: StandingObject, places: InstancePlaces | undefined): Packed {
  const { packed, startByte, size, studyUid, seriesUid, instanceUid } = image
  const isThere = places !== undefined && (packed === "new" || packed === "same")
  if (!isThere || studyUid === null || seriesUid === null || instanceUid === null) {
    return { cod_result: packed, cod_uri: null, cod_start_byte: null, cod_size: null }
  }
  const uri = places({ studyUid, seriesUid, instanceUid })
  return { cod_result: packed, cod_uri: uri, cod_start_byte: startByte, cod_size: size }
}

/** One JSON document a line (jsonlines.org). */
const jsonl: ManifestFormat = { header: "", line: (row) => `${JSON.stringify(row)}\n` }

const COLUMNS = [
  "study_id",
  "organization_id",
  "image_path",
  "size",
  "crc32c",
  "source_etag",
  "copied_at",
  "doctor_rank",
  "cohort",
  "standing",
  "reports",
  "study_instance_uid",
  "series_instance_uid",
  "sop_instance_uid",
  "transfer_syntax",
  "frames",
  "cod_result",
  "cod_uri",
  "cod_start_byte",
  "cod_size",
  "copy_deleted_at",
] as const satisfies readonly (keyof ManifestRow)[]

/**
 * RFC 4180, but that lines end as Unix tools expect it. Reports are JSON in their column; an absent value is an empty
 * one.
 */
const csv: ManifestFormat = {
  header: `${COLUMNS.join(",")}\n`,
  line: (row) =>
    `${COLUMNS.map((column) => cell(column === "reports" ? JSON.stringify(row.reports) : row[column])).join(",")}\n`,
}

function cell(value: string | number | null): string {
  const text = value === null ? "" : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const FORMATS: Readonly<Record<string, ManifestFormat>> = { jsonl, csv }

/** @throws UsageError */
export function manifestFormat(name: string): ManifestFormat {
  const format = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined
  if (format === undefined) throw new UsageError(`expected jsonl or csv, not "${safe(name)}"`)
  return format
}

export const DEFAULT_FORMAT = jsonl
