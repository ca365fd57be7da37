import { startCloud } from "../../lib/demo/cloud/server.ts"
import type { DiscoveredStudy } from "../../lib/ledger/studies.ts"
import { dicomPath, METADATA_PATH, objectKey, reportPath } from "../../lib/pipeline/layout.ts"
import { setupOf } from "./worker.ts"
import { DESTINATION, ORIGIN } from "./workload.ts"

export const OBJECTS_PER_STUDY = 4

/** Nothing of them is read, so that they may be small. */
const OBJECT_BYTES = 2_000

/** The n-th study as a discovery would have found it; its ids are the same in every process. */
export function studyOf(n: number): DiscoveredStudy {
  const id = (part: number) => `${part}0000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`
  const image = (instanceNumber: number) => ({
    kind: "dicom" as const,
    path: dicomPath({ seriesId: id(3), imageId: id(4), instanceNumber }),
    sourceId: id(4),
    seriesId: id(3),
    sourceHash: "0123456789abcdef",
  })
  return {
    studyId: id(1),
    organizationId: "7f1c3a52-9b0e-4f6e-8f43-2f3c1d5a9e10",
    dicomStudyUid: null,
    modalities: "CR",
    doctorRank: 2,
    newestSignedAt: "2026-01-01T00:00:00.000Z",
    listsOrigin: false,
    sourceHash: "0123456789abcdef",
    objects: [
      { kind: "metadata", path: METADATA_PATH, sourceHash: "0123456789abcdef" },
      { kind: "report", path: reportPath(id(2)), sourceId: id(2), sourceHash: "0123456789abcdef" },
      image(1),
      image(2),
    ],
  }
}

/** What the clouds have answered, by operation. */
export type Answered = Readonly<Record<string, number>>

export type SiteMessage = { readonly url: string } | { readonly answered: Answered }

// Both clouds in a process of their own: the origin, and a destination that another tool filled from it. Any message is
// answered with what was asked of them.
if (import.meta.main) {
  const { studies } = setupOf<{ readonly studies: number }>()
  await using cloud = await startCloud({ faults: false, logEntries: false })
  const body = crypto.getRandomValues(new Uint8Array(OBJECT_BYTES))
  for (const bucket of [ORIGIN, DESTINATION]) {
    cloud.createBucket(bucket)
    for (let n = 0; n < studies; n++) {
      const study = studyOf(n)
      for (const { path } of study.objects) cloud.put(bucket, objectKey(study, path), body)
    }
  }
  process.on("message", () => {
    const { operations } = cloud.log.counters
    const answered = Object.entries(operations).map(([operation, statuses]) => [
      operation,
      Object.values(statuses).reduce((sum, answers) => sum + answers, 0),
    ])
    process.send!({ answered: Object.fromEntries(answered) } satisfies SiteMessage)
  })
  const gone = new Promise((resolve) => process.on("disconnect", resolve))
  process.send!({ url: cloud.url } satisfies SiteMessage)
  await gone
}
