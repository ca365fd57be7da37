import { seriesKeys } from "../../cod/format/layout.ts"
import {
  CODObjectNotFoundError,
  describeLock,
  ErrorLogExistsError,
  findLocks,
  LockAcquisitionError,
  type SeriesPlace,
  seriesUri,
} from "../../cod/index.ts"
import type { ObjectStore } from "../../storage/store.ts"

/**
 * Refuses what a writer would be refused now, without taking a lock.
 * @param store the series' datastore
 * @throws ErrorLogExistsError, LockAcquisitionError
 */
export async function refuseHindered(
  store: ObjectStore,
  place: SeriesPlace,
  signal: AbortSignal,
): Promise<void> {
  const { errorLog } = seriesKeys(place.studyUid, place.seriesUid)
  if ((await store.head(errorLog, signal)) !== undefined) throw new ErrorLogExistsError(seriesUri(place))
  const [lock] = await findLocks(store, place, signal)
  if (lock === undefined) return
  throw new LockAcquisitionError(`${lock.uri} is held by ${describeLock(lock, new Date())}`, lock, {})
}

/**
 * Refuses a place that has neither metadata nor a tar: another one was meant.
 * @param store the series' datastore
 * @throws CODObjectNotFoundError
 */
export async function requireThere(
  store: ObjectStore,
  place: SeriesPlace,
  signal: AbortSignal,
): Promise<void> {
  const { metadata, tar } = seriesKeys(place.studyUid, place.seriesUid)
  const objects = await Promise.all([store.head(metadata, signal), store.head(tar, signal)])
  if (objects.every((object) => object === undefined)) throw new CODObjectNotFoundError(seriesUri(place))
}
