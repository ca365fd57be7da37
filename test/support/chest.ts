import {
  type ImageRow,
  imageRow,
  type PacsRows,
  type ReportRow,
  reportRow,
} from "../../lib/demo/pacs-rows.ts"
import { dicomPath, METADATA_PATH, objectKey, reportPath, type StudyIds } from "../../lib/pipeline/layout.ts"
import { dicomFile, explicit } from "../cod/format/dicom/build.ts"
import { noise } from "../contract/bodies.ts"
import { type Differences, eligibleRows } from "./pacs-study.ts"

/** The user who signs every report, unless a test says otherwise. */
export const DOCTOR = "0d0c0000-0000-4000-8000-000000000001"

export interface ChestOptions extends Omit<Differences, "image" | "report"> {
  /** One usual image and one usual report unless told. */
  readonly images?: readonly Partial<ImageRow>[]
  readonly reports?: readonly Partial<ReportRow>[]
}

/** An eligible study: its rows and the keys that it has at the destination. */
export interface Chest extends StudyIds {
  readonly rows: PacsRows
  readonly metadataKey: string
  /** In the order of the rows. */
  readonly imageKeys: readonly string[]
  readonly reportKeys: readonly string[]
  readonly receiptKey: string
}

export function chest(options: ChestOptions = {}): Chest {
  const { images = [{}], reports = [{}], ...differences } = options
  const usual = eligibleRows(DOCTOR, differences)
  const rows: PacsRows = {
    ...usual,
    pacs_images: images.map((image) => imageRow({ series_id: usual.pacs_series[0]!.id, ...image })),
    pacs_reports: reports.map((report) =>
      reportRow({ ...usual.pacs_reports[0]!, id: crypto.randomUUID(), ...report }),
    ),
  }
  const study = rows.pacs_studies[0]!
  const ids = { studyId: study.id, organizationId: study.organization_id! }
  const imagePath = ({ series_id, id, instance_number }: ImageRow) =>
    dicomPath({ seriesId: series_id, imageId: id, instanceNumber: instance_number ?? undefined })
  return {
    ...ids,
    rows,
    metadataKey: objectKey(ids, METADATA_PATH),
    imageKeys: rows.pacs_images.map((image) => objectKey(ids, imagePath(image))),
    reportKeys: rows.pacs_reports.map(({ id }) => objectKey(ids, reportPath(id))),
    receiptKey: `_receipts/${ids.organizationId}/${ids.studyId}.json`,
  }
}

/** What the origin holds of a study: everything under the destination's keys, images under their own where it is one. */
export function originObjects(study: Chest): [key: string, content: Uint8Array | string][] {
  const images = study.rows.pacs_images.map(({ file_path }, n): [string, Uint8Array] => [
    file_path === null || file_path.includes("://") ? study.imageKeys[n]! : file_path,
    dicomBody(n + 1),
  ])
  const reports = study.reportKeys.map((key): [string, string] => [key, `Informe ${key}\n`])
  return [[study.metadataKey, `{"study_id":"${study.studyId}"}\n`], ...reports, ...images]
}

/** A DICOM file of so many bytes; all are of one series, and different seeds and lengths are different instances. */
export function dicomBody(seed = 1, length = 400): Uint8Array<ArrayBuffer> {
  const bytes = noise(length, seed)
  const header = dicomFile([
    explicit(0x00080018, "UI", even(`2.25.3${seed}0${length}`)),
    explicit(0x0020000d, "UI", even("2.25.1")),
    explicit(0x0020000e, "UI", even("2.25.2")),
    explicit(0x7fe00010, "OB", ""),
  ])
  bytes.set(header)
  // The length of the last element: all that follows is noise.
  new DataView(bytes.buffer).setUint32(header.length - 4, length - header.length, true)
  return bytes
}

/** UIDs are padded with a zero byte (PS3.5 section 9.1). */
function even(uid: string): string {
  return uid.length % 2 === 0 ? uid : `${uid}\0`
}
