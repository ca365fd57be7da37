import {
  imageRow,
  organizationRow,
  type PacsRows,
  practitionerRow,
  reportRow,
  seriesRow,
  studyRow,
  userRow,
} from "../../../lib/demo/pacs-rows.ts"
import { uuidOf } from "../../../lib/demo/seed-ids.ts"

// A hospital of four studies, each of which is copied another way, and three doctors, two of whom are chosen.

export type Doctor = "ana" | "bea" | "carl"

/** The chosen ones. */
export const RULES = { rankFrom: 1, rankTo: 2, toleratedModalities: [] }

export const ORIGIN = "model-origin"

/** Words that must not be found in the ledger. */
export const PERSONAL = ["Informe privado", "@hospital", "Doctora"]

const ORGANIZATION = uuidOf("model organization")

export interface ModelStudy {
  readonly id: string
  /** Without a slash at its end. */
  readonly folder: string
  readonly seriesId: string
  readonly images: readonly ModelImage[]
  readonly reports: readonly ModelReport[]
  /** Keys below the folder in the origin that the database does not know. */
  readonly listed: readonly string[]
  /** Whether the origin has a metadata.json. */
  readonly hasMetadata: boolean
}

export interface ModelImage {
  readonly id: string
  readonly number: number
  /** As the database has it. */
  readonly filePath: string | null
  /** Key at the origin. */
  readonly origin: string
  /** Key at the destination. */
  readonly key: string
  /** Whether the database has its row in the beginning. */
  readonly isThere: boolean
}

export interface ModelReport {
  readonly id: string
  readonly by: Doctor
  /** Key at both ends; or its text is in the database. */
  readonly key: string
  readonly inDatabase: boolean
}

export const STUDIES: readonly ModelStudy[] = [
  modelStudy("all at the origin", { paths: ["key", "key"], reports: [["ana"]], hasMetadata: true }),
  modelStudy("all in the database", {
    paths: ["archive", "archive"],
    reports: [
      ["bea", "text"],
      ["carl", "text"],
    ],
  }),
  modelStudy("listed", {
    paths: ["archive"],
    isThere: false,
    listed: ["IM0001.dcm", "deep/IM0002.dcm"],
    reports: [["ana"], ["carl", "text"]],
    hasMetadata: true,
  }),
  modelStudy("mixed", { paths: ["uri", "archive"], reports: [["carl"]] }),
]

/** Studies that only the ranking counts: the first so many are signed by whoever is to lead it, the rest by the next. */
export const RANKED_BY = { first: 12, second: 8 }

export const metadataKey = ({ folder }: ModelStudy) => `${folder}/metadata.json`
export const receiptKey = ({ folder }: ModelStudy) => `_receipts/${folder}.json`
export const practitioner = (doctor: Doctor) => uuidOf(`model practitioner ${doctor}`)
export const rankingReport = (n: number) => uuidOf(`model ranking report ${n}`)

/** The database in the beginning; ana and bea lead the ranking. */
export function initialRows(): PacsRows {
  const doctors: Doctor[] = ["ana", "bea", "carl"]
  const ranking = Array.from({ length: RANKED_BY.first + RANKED_BY.second }, (_, n) => n)
  return {
    pacs_organizations: [organizationRow({ id: ORGANIZATION })],
    pacs_users: doctors.map((doctor) => userRow({ id: userOf(doctor), email: `${doctor}@hospital` })),
    pacs_practitioners: doctors.map((doctor) =>
      practitionerRow({ id: practitioner(doctor), user_id: userOf(doctor), full_name: `Doctora ${doctor}` }),
    ),
    pacs_body_part: [],
    pacs_studies: [
      ...STUDIES.map(({ id }) => studyRow({ id, organization_id: ORGANIZATION })),
      ...ranking.map((n) =>
        studyRow({ id: rankingStudy(n), organization_id: ORGANIZATION, modalities: "PX" }),
      ),
    ],
    pacs_series: STUDIES.map(({ id, seriesId }) => seriesRow({ id: seriesId, study_id: id })),
    pacs_images: STUDIES.flatMap((study) =>
      study.images.filter(({ isThere }) => isThere).map((image) => rowOfImage(study, image)),
    ),
    pacs_reports: [
      ...STUDIES.flatMap(({ id: study_id, reports }) =>
        reports.map(({ id, by, inDatabase }) =>
          reportRow({
            id,
            study_id,
            signed_by_id: practitioner(by),
            content: inDatabase ? reportText(0) : null,
          }),
        ),
      ),
      ...ranking.map((n) =>
        reportRow({
          id: rankingReport(n),
          study_id: rankingStudy(n),
          signed_by_id: practitioner(n < RANKED_BY.first ? "ana" : "bea"),
        }),
      ),
    ],
  }
}

export const rowOfImage = ({ seriesId }: ModelStudy, { id, number, filePath }: ModelImage) =>
  imageRow({ id, series_id: seriesId, instance_number: number, file_path: filePath })

/** The origin in the beginning. */
export function initialObjects(): [key: string, content: string][] {
  return STUDIES.flatMap((study) => [
    ...[...study.images.map(({ origin }) => origin), ...study.listed].map((key): [string, string] => [
      key,
      dicomText(0),
    ]),
    ...study.reports
      .filter(({ inDatabase }) => !inDatabase)
      .map(({ key }): [string, string] => [key, reportText(0)]),
    ...(study.hasMetadata ? [[metadataKey(study), metadataText(0)] as [string, string]] : []),
  ])
}

export const dicomText = (version: number) => `${"\0".repeat(128)}DICM version ${version}`
export const reportText = (version: number) => `Informe privado, ${version}\n`
export const metadataText = (version: number) => JSON.stringify({ version })

const userOf = (doctor: Doctor) => uuidOf(`model user ${doctor}`)
const rankingStudy = (n: number) => uuidOf(`model ranking study ${n}`)

interface StudyOptions {
  readonly paths: readonly ("key" | "uri" | "archive")[]
  readonly isThere?: boolean
  readonly reports: readonly (readonly [by: Doctor, where?: "text"])[]
  readonly listed?: readonly string[]
  readonly hasMetadata?: boolean
}

function modelStudy(name: string, options: StudyOptions): ModelStudy {
  const { paths, isThere = true, reports, listed = [], hasMetadata = false } = options
  const id = uuidOf(`model study ${name}`)
  const seriesId = uuidOf(`model series ${name}`)
  const folder = `${ORGANIZATION}/${id}`
  return {
    id,
    folder,
    seriesId,
    images: paths.map((path, n) => {
      const imageId = uuidOf(`model image ${name} ${n}`)
      const key = `${folder}/dicom_files/${seriesId}/000${n + 1}_${imageId}.dcm`
      const origin = path === "archive" ? `archive/${imageId}` : key
      const filePath = path === "uri" ? `s3://${ORIGIN}/${key}` : origin
      return { id: imageId, number: n + 1, key, origin, filePath, isThere }
    }),
    reports: reports.map(([by, where], n) => {
      const reportId = uuidOf(`model report ${name} ${n}`)
      return { id: reportId, by, key: `${folder}/reports/${reportId}.txt`, inDatabase: where === "text" }
    }),
    listed: listed.map((path) => `${folder}/dicom_files/${path}`),
    hasMetadata,
  }
}
