import type { RemoteCloud } from "../../lib/demo/cloud/remote.ts"
import type { DiscoveredStudy } from "../../lib/ledger/studies.ts"
import { dicomPath, METADATA_PATH, reportPath } from "../../lib/pipeline/layout.ts"
import { dicomFile, explicit } from "../cod/format/dicom/build.ts"

/** What both sides copy, and how many at a time. */
export interface Workload {
  readonly objectBytes: number
  /** Studies of one repeat; every study has four objects: metadata, a report, two images. */
  readonly studies: number
  /** Objects on their way at one moment. */
  readonly inFlight: number
  /** Studies on their way at one moment, as `COPY_CONCURRENCY` has it. */
  readonly concurrency: number
  /** Whether the bare loop takes a body into memory whole before it sends it, or hands it on as it comes. */
  readonly buffered: boolean
}

export const OBJECTS_PER_STUDY = 4

export const ORIGIN = "origin"
export const DESTINATION = "destination"

/** Different contents. Few, so that the origin needs no more memory than a few objects have bytes. */
const BODIES = 4

/** The origin's key of the n-th object: all of them share a few bodies. */
export function sourceKey(n: number): string {
  return `bodies/${n % BODIES}.dcm`
}

/** Makes the buckets and puts what is copied into the origin. */
export async function fillOrigin(cloud: RemoteCloud, { objectBytes }: Workload) {
  for (const bucket of [ORIGIN, DESTINATION]) await cloud.ask("createBucket", bucket)
  for (let n = 0; n < BODIES; n++) await cloud.put(ORIGIN, sourceKey(n), dicomBody(objectBytes))
}

/** A study as a discovery would have found it, with new ids. */
export function newStudy(): DiscoveredStudy {
  const [report, series, ...images] = Array.from({ length: 4 }, () => crypto.randomUUID())
  const source = (n: number) => ({ source: sourceKey(n), sourceHash: "0123456789abcdef" })
  return {
    studyId: crypto.randomUUID(),
    organizationId: "7f1c3a52-9b0e-4f6e-8f43-2f3c1d5a9e10",
    dicomStudyUid: null,
    modalities: "CR",
    doctorRank: 2,
    newestSignedAt: "2026-01-01T00:00:00.000Z",
    listsOrigin: false,
    sourceHash: "0123456789abcdef",
    objects: [
      { kind: "metadata", path: METADATA_PATH, ...source(0) },
      { kind: "report", path: reportPath(report!), sourceId: report, ...source(1) },
      ...images.map((imageId, n) => ({
        kind: "dicom" as const,
        path: dicomPath({ seriesId: series!, imageId, instanceNumber: n + 1 }),
        sourceId: imageId,
        seriesId: series,
        ...source(2 + n),
      })),
    ],
  }
}

/** A DICOM file whose pixels are random bytes, of a series of its own. */
function dicomBody(size: number): Uint8Array {
  const uid = `2.25.${crypto.getRandomValues(new Uint32Array(1))[0]! + 1e10}`
  const header = dicomFile([
    explicit(0x00080018, "UI", uid.padEnd(16, "\0")),
    explicit(0x0020000d, "UI", uid.padEnd(16, "\0")),
    explicit(0x0020000e, "UI", uid.padEnd(16, "\0")),
    explicit(0x7fe00010, "OW", "", size),
  ])
  const body = new Uint8Array(size)
  const block = crypto.getRandomValues(new Uint8Array(64 << 10))
  for (let at = 0; at < size; at += block.length) body.set(block.subarray(0, size - at), at)
  body.set(header)
  new DataView(body.buffer).setUint32(header.length - 4, size - header.length, true)
  return body
}
