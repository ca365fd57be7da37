import type { SeriesRow, StudyRow } from "./pacs-rows.ts"
import { type PhantomOptions, phantomByteLength, phantomDicom } from "./phantom.ts"
import { uidOf, uuidOf } from "./seed-ids.ts"
import type { ImagePlan } from "./seed-plans.ts"

/** An object of the origin; its bytes are made when they are asked for. */
export interface SeedObject {
  readonly key: string
  readonly contentType: string
  /** In bytes. */
  readonly size: number
  bytes(): Uint8Array
}

/** Words that stand in every report and nowhere else. */
export const REPORT_PHRASE = "Sin hallazgos: es una maqueta."

export interface Picture {
  readonly study: StudyRow
  readonly series: SeriesRow
  readonly imageId: string
  readonly instance: number
  readonly number: number
  readonly tiny: boolean
}

/** The phantom of a study: its views share one anatomy, its UIDs are made from the ids of the rows. */
export function phantomFile(key: string, { view, large = false }: ImagePlan, picture: Picture): SeedObject {
  const { study, series, imageId, instance, number, tiny } = picture
  return dicomFile(key, {
    ...pictureSize(large, tiny),
    ...attributesOf(study),
    seed: number,
    modality: series.modality === "CR" ? "CR" : "DX",
    view,
    photometric: number % 3 === 0 ? "MONOCHROME1" : "MONOCHROME2",
    seriesUid: uidOf(series.id),
    instanceUid: uidOf(imageId),
    seriesNumber: series.series_number ?? 1,
    instanceNumber: instance,
  })
}

/** Two files of a study whose images the database does not know, each a series of its own. */
export function listedFiles(folder: string, study: StudyRow, number: number, tiny: boolean): SeedObject[] {
  const file = (name: string, view: PhantomOptions["view"], seriesNumber: number) =>
    dicomFile(`${folder}/dicom_files/${name}`, {
      ...pictureSize(false, tiny),
      ...attributesOf(study),
      seed: number,
      view,
      seriesNumber,
    })
  return [file("IM0001.dcm", "PA", 1), file(`${uuidOf(`${folder} listed`)}/IM0002.dcm`, "LATERAL", 2)]
}

/** What files say of their study. */
const attributesOf = ({ id, dicom_description: description, dicom_date_time: taken }: StudyRow) => ({
  studyUid: uidOf(id),
  studyDescription: oneLine(description ?? ""),
  studyDate: (taken ?? "").slice(0, 10).replaceAll("-", ""),
})

export const reportFile = (key: string, study: StudyRow, signer: string) =>
  textFile(
    key,
    [`Informe de ${study.dicom_description ?? "radiografía"}`, REPORT_PHRASE, `Firmado: ${signer}`, ""].join(
      "\n",
    ),
  )

export function metadataFile(folder: string, study: StudyRow): SeedObject {
  const facts = {
    study_id: study.id,
    organization_id: study.organization_id,
    study_instance_uid: study.dicom_study_id,
    modalities: study.modalities,
    description: study.dicom_description,
    taken_at: study.dicom_date_time,
  }
  return fixed(`${folder}/metadata.json`, "application/json", `${JSON.stringify(facts, null, 2)}\n`)
}

export const textFile = (key: string, content: string) => fixed(key, "text/plain; charset=utf-8", content)

function pictureSize(large: boolean, tiny: boolean): { rows: number; columns: number } {
  if (tiny) return { rows: 64, columns: 48 }
  return large ? { rows: 1280, columns: 1024 } : { rows: 320, columns: 256 }
}

/**
 * A text value of DICOM holds no control characters, and a backslash would divide it (PS3.5 section 6.2, LO).
 */
const oneLine = (text: string) => text.replace(/[\p{Cc}\\]+/gu, " ").slice(0, 64)

function dicomFile(key: string, options: PhantomOptions): SeedObject {
  return {
    key,
    contentType: "application/dicom",
    size: phantomByteLength(options),
    bytes: () => phantomDicom(options),
  }
}

function fixed(key: string, contentType: string, content: string): SeedObject {
  const bytes = new TextEncoder().encode(content)
  return { key, contentType, size: bytes.length, bytes: () => bytes }
}
