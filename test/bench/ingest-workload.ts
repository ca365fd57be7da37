import type { RemoteCloud } from "../../lib/demo/cloud/remote.ts"
import { writePart10 } from "../../lib/demo/dicom-writer.ts"
import { phantomAttributes } from "../../lib/demo/phantom-attributes.ts"
import { uidOf, uuidOf } from "../../lib/demo/seed-ids.ts"
import type { DiscoveredStudy } from "../../lib/ledger/studies.ts"
import { dicomPath, METADATA_PATH, reportPath } from "../../lib/pipeline/layout.ts"
import { DESTINATION, ORIGIN } from "./workload.ts"

/** What both sides copy; one of them packs it too. */
export interface IngestWorkload {
  readonly what: string
  /** Of the images' pixels, 16 bits each. */
  readonly rows: number
  readonly columns: number
  /** Of one round. */
  readonly studies: number
}

/** Both of one series. Beside them a study has metadata and a report, of no size to speak of. */
export const IMAGES_PER_STUDY = 2

const TEXT_KEY = "text"

/** Makes the buckets and puts what is copied into the origin: each image has UIDs of its own, as they become series. */
export async function fillIngestOrigin(cloud: RemoteCloud, workload: IngestWorkload) {
  for (const bucket of [ORIGIN, DESTINATION]) await cloud.ask("createBucket", bucket)
  await cloud.put(ORIGIN, TEXT_KEY, "metadata, or a report")
  const pixels = randomPixels(workload)
  for (let n = 0; n < workload.studies; n++) {
    for (let image = 0; image < IMAGES_PER_STUDY; image++) {
      await cloud.put(ORIGIN, imageKey(n, image), imageOf(workload, n, image, pixels))
    }
  }
}

/** The n-th study as a discovery would have found it; its ids are new. */
export function studyToPack(n: number): DiscoveredStudy {
  const [studyId, reportId, seriesId] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()]
  const sourceHash = "0123456789abcdef"
  const text = { source: TEXT_KEY, sourceHash }
  const images = Array.from({ length: IMAGES_PER_STUDY }, (_, image) => {
    const imageId = crypto.randomUUID()
    const path = dicomPath({ seriesId, imageId, instanceNumber: image + 1 })
    return {
      kind: "dicom" as const,
      path,
      sourceId: imageId,
      seriesId,
      source: imageKey(n, image),
      sourceHash,
    }
  })
  return {
    studyId,
    organizationId: "7f1c3a52-9b0e-4f6e-8f43-2f3c1d5a9e10",
    dicomStudyUid: null,
    modalities: "CR",
    doctorRank: 2,
    newestSignedAt: "2026-01-01T00:00:00.000Z",
    listsOrigin: false,
    sourceHash,
    objects: [
      { kind: "metadata", path: METADATA_PATH, ...text },
      { kind: "report", path: reportPath(reportId), sourceId: reportId, ...text },
      ...images,
    ],
  }
}

const imageKey = (n: number, image: number) => `images/${n}-${image}.dcm`

function randomPixels({ rows, columns }: IngestWorkload): Uint16Array {
  const pixels = new Uint16Array(rows * columns)
  const block = crypto.getRandomValues(new Uint16Array(32 << 10))
  for (let at = 0; at < pixels.length; at += block.length) {
    pixels.set(block.subarray(0, pixels.length - at), at)
  }
  return pixels
}

function imageOf(
  { rows, columns }: IngestWorkload,
  n: number,
  image: number,
  pixels: Uint16Array,
): Uint8Array {
  const uid = (name: string) => uidOf(uuidOf(`${name} of study ${n}`))
  const attributes = phantomAttributes({
    seed: n,
    modality: "CR",
    view: image === 0 ? "PA" : "LATERAL",
    rows,
    columns,
    photometric: "MONOCHROME2",
    studyUid: uid("study"),
    seriesUid: uid("series"),
    instanceUid: uid(`image ${image}`),
    seriesNumber: 1,
    instanceNumber: image + 1,
    studyDescription: "CHEST",
    studyDate: "20260101",
  })
  return writePart10({ ...attributes, PixelData: pixels })
}
