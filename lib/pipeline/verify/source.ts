import type { LedgerObject } from "../../ledger/objects.ts"
import type { LedgerStudy } from "../../ledger/studies.ts"
import type { ObjectInfo, ObjectSource } from "../../storage/store.ts"
import { atOrigin } from "../adopt/at-origin.ts"
import { whyLeftAlone } from "../copy/left-alone.ts"
import { objectKey } from "../layout.ts"
import type { Problem } from "./problem.ts"

/**
 * What changed at the origin since it was copied, by ETag: one listing a study, and a head for each file that the PACS
 * keeps elsewhere. Of a study that may not be copied any more nothing is asked.
 */
export async function sourceProblems(
  origin: ObjectSource,
  study: LedgerStudy,
  copied: readonly LedgerObject[],
  signal: AbortSignal,
): Promise<Problem[]> {
  if (copied.length === 0 || whyLeftAlone(study) !== undefined) return []
  const found = await atOrigin(origin, study, copied, signal)
  return copied.flatMap((object) => {
    const change = changeOf(object, found.get(object.path))
    return change === undefined
      ? []
      : [{ study_id: study.studyId, key: objectKey(study, object.path), ...change }]
  })
}

/** What was made from the database has no ETag, and is as it was while the origin still lacks it. */
function changeOf(
  { sourceEtag, size }: LedgerObject,
  now: ObjectInfo | undefined,
): Pick<Problem, "problem" | "expected" | "found"> | undefined {
  if (now === undefined) {
    return sourceEtag === null ? undefined : { problem: "source_gone", expected: sourceEtag, found: null }
  }
  const etag = now.etag ?? null
  if (etag !== sourceEtag) return { problem: "source_changed", expected: sourceEtag, found: etag }
  // An origin without ETags, such as a folder, tells at least this.
  return now.size === size ? undefined : { problem: "source_changed", expected: size, found: now.size }
}
