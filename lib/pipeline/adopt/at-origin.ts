import type { LedgerObject } from "../../ledger/objects.ts"
import type { ObjectInfo, ObjectSource } from "../../storage/store.ts"
import { forEachLimit } from "../../support/pool.ts"
import { originKeyOf } from "../copy/source-of.ts"
import { InvalidSource } from "../errors.ts"
import { type StudyIds, studyPrefix } from "../layout.ts"
import { listStudy } from "../verify/listed.ts"

/** Heads of one study at a time. */
const HEADS_IN_FLIGHT = 8

/**
 * What the origin tells of some objects of a study, by path; what it lacks is absent. Those below the study's own
 * prefix are one listing where that spares requests; the PACS may name any other key, and what lies around that is
 * not ours to list: it costs a head.
 */
export async function atOrigin(
  origin: ObjectSource,
  study: StudyIds,
  objects: readonly Pick<LedgerObject, "path" | "source">[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, ObjectInfo>> {
  const prefix = studyPrefix(study)
  const keys = objects.flatMap((object) => {
    const key = usableKey(origin, study, object)
    return key === undefined ? [] : [{ path: object.path, key }]
  })
  const below = keys.filter(({ key }) => key.startsWith(prefix))
  const listed = below.length > 1 ? await listStudy(origin, study, signal) : undefined
  const found = new Map<string, ObjectInfo>()
  const look = async ({ path, key }: { path: string; key: string }, inner: AbortSignal) => {
    const info =
      listed !== undefined && key.startsWith(prefix)
        ? listed.get(key.slice(prefix.length))
        : await origin.head(key, inner)
    if (info !== undefined) found.set(path, info)
  }
  await forEachLimit(keys, HEADS_IN_FLIGHT, look, signal)
  return found
}

/** Undefined where the PACS names something that cannot be a key of the origin: a copy tells what is wrong with it. */
function usableKey(
  origin: ObjectSource,
  study: StudyIds,
  object: Pick<LedgerObject, "path" | "source">,
): string | undefined {
  try {
    return originKeyOf(study, object, origin.uri)
  } catch (error) {
    if (error instanceof InvalidSource) return undefined
    throw error
  }
}
