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
  const { metadata, tar } = await partsOf(store, place, signal)
  if (metadata === undefined && tar === undefined) throw new CODObjectNotFoundError(seriesUri(place))
}

/**
 * Refuses a series that has lost its metadata: what is added would hide that there were others.
 * @param store the series' datastore
 * @throws CODObjectNotFoundError, and as `refuseHindered` when somebody may just be making it
 */
export async function refuseWithoutMetadata(
  store: ObjectStore,
  place: SeriesPlace,
  signal: AbortSignal,
): Promise<void> {
  const { metadata, tar } = await partsOf(store, place, signal)
  if (metadata !== undefined || tar === undefined) return
  await refuseHindered(store, place, signal)
  // Nobody makes it, unless it was made meanwhile.
  const now = await partsOf(store, place, signal)
  if (now.metadata === undefined) throw new CODObjectNotFoundError(seriesUri(place))
}

async function partsOf(store: ObjectStore, { studyUid, seriesUid }: SeriesPlace, signal: AbortSignal) {
  const keys = seriesKeys(studyUid, seriesUid)
  const [metadata, tar] = await Promise.all([store.head(keys.metadata, signal), store.head(keys.tar, signal)])
  return { metadata, tar }
}
