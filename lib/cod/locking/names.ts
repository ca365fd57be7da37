import type { ObjectSource } from "../../storage/store.ts"
import { UsageError } from "../../support/errors.ts"
import { LOCK_NAMES, lockKey, type SeriesPlace, seriesUri } from "../format/layout.ts"
import { locateFolder } from "../reading/store-of.ts"

/** A dot in front keeps a lock apart from everything else in a series' folder, whatever the rest of its name is. */
const LOCK_NAME = /^\.[\w-][\w.-]*\.lock$/

export function isLockName(name: string): boolean {
  return LOCK_NAME.test(name)
}

/** @throws UsageError for no name at all, one twice, or one that no lock may have */
export function requireLockNames(names: readonly string[]): readonly string[] {
  const wrong = names.find((name) => !isLockName(name))
  if (names.length > 0 && wrong === undefined && new Set(names).size === names.length) return names
  throw new UsageError(
    `no names for the locks of a series: ${JSON.stringify(names)}`,
    `Name each once, like ${LOCK_NAMES.join(" and ")}.`,
  )
}

/** Where the locks of a series stand: in its folder. */
export interface LockFolder {
  /** `D/studies/ST/series/SE` */
  readonly uri: string
  keyOf(name: string): string
  uriOf(name: string): string
}

/** @throws UsageError when the datastore does not lie in the store */
export function lockFolder(store: ObjectSource, place: SeriesPlace): LockFolder {
  using located = locateFolder(place.datastore, { store })
  const { prefix } = located
  const uri = seriesUri(place)
  return {
    uri,
    keyOf: (name) => prefix + lockKey(place.studyUid, place.seriesUid, name),
    uriOf: (name) => `${uri}/${name}`,
  }
}
