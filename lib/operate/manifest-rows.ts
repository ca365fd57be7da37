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
}

/** How rows are written: the line before the first, if any, and each row as a line of its own. */
export interface ManifestFormat {
  readonly header: string
  readonly line: (row: ManifestRow) => string
}

/** The images of a study in their order; they share one list of reports. */
export function* rowsOf(study: CompleteStudy): Generator<ManifestRow> {
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
    }
  }
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
