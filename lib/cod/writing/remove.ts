import { InstanceNotFoundError } from "../errors.ts"
import type { Draft } from "./draft.ts"

/**
 * Takes instances out of a draft; their members of the tar go at the next `sync`, for which it is packed anew.
 * @param required that have to be there, beside those that go
 * @throws InstanceNotFoundError for the first key that is not there: nothing was changed then
 */
export function removeFrom(
  draft: Draft,
  seriesUri: string,
  keys: readonly string[],
  required: readonly string[] = [],
): void {
  const missing = [...keys, ...required].find((key) => !draft.instances.has(key))
  if (missing !== undefined) throw new InstanceNotFoundError(seriesUri, missing)
  for (const key of new Set(keys)) {
    draft.instances.delete(key)
    draft.uploaded.delete(key)
    // Of what was never in the tar nothing has to go from it.
    if (!draft.added.delete(key)) draft.removed.add(key)
  }
  if (keys.length === 0) return
  draft.changed.tar = draft.added.size + draft.removed.size > 0 || draft.dropOrphans
  draft.changed.metadata = true
}
