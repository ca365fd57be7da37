import { PreconditionFailed } from "../../storage/errors.ts"
import { openStore } from "../../storage/open.ts"
import type { ObjectStore } from "../../storage/store.ts"
import { UsageError } from "../../support/errors.ts"
import type { CODObjectAccess } from "../access.ts"
import { CODObjectNotFoundError, ErrorLogExistsError } from "../errors.ts"
import type { SeriesPlace } from "../format/layout.ts"
import { acquireLocks } from "../locking/acquire.ts"
import { lockBody } from "../locking/body.ts"
import { giveBackLock } from "../locking/give-back.ts"
import type { SeriesLock } from "../locking/series-lock.ts"
import type { LoadedMetadata } from "../metadata-cache.ts"
import { openReader, type SeriesReader } from "../reading/reader.ts"
import type { Series } from "../reading/series.ts"
import { seriesAt } from "../reading/series-at.ts"
import { deleteObject } from "./store-delete.ts"

/** A series that is open, and what goes with it. */
export interface Session extends Disposable {
  readonly reader: SeriesReader
  /** Undefined where nothing can be written. */
  readonly store: ObjectStore | undefined
  /** Undefined for a series that is not stored. */
  readonly loaded: LoadedMetadata | undefined
  readonly lock: SeriesLock | undefined
}

/**
 * Opens a series, under its lock if that is asked for. The metadata is what stands there when the lock is ours: what was
 * read before may have been overwritten meanwhile.
 * @param held a lock that is ours already
 * @throws CODObjectNotFoundError, ErrorLogExistsError, LockAcquisitionError, InvalidMetadata, UsageError, StorageError
 */
export async function openSession(
  place: SeriesPlace,
  access: CODObjectAccess,
  held?: (store: ObjectStore) => Promise<SeriesLock>,
  signal?: AbortSignal,
): Promise<Session> {
  using owned = new DisposableStack()
  const store = access.lock || held ? owned.use(storeFor(place, access)).store : writable(access.store)
  const { series } = owned.use(seriesAt(place, store === undefined ? access : { ...access, store }))
  const lock = store === undefined ? undefined : await lockFor(series, store, access, held, signal)
  try {
    const loaded = await metadataNow(series, access.createIfMissing ?? lock !== undefined, signal)
    const reader = openReader(series)
    const kept = owned.move()
    return { reader, store, loaded, lock, [Symbol.dispose]: () => kept.dispose() }
  } catch (error) {
    // Nothing was changed under it yet.
    if (held === undefined && lock !== undefined) await giveBackLock(lock, series.uri, error)
    throw error
  }
}

async function lockFor(
  series: Series,
  store: ObjectStore,
  access: CODObjectAccess,
  held: ((store: ObjectStore) => Promise<SeriesLock>) | undefined,
  signal?: AbortSignal,
): Promise<SeriesLock | undefined> {
  if (held !== undefined) return await held(store)
  if (!access.lock) return undefined
  await refuseErrorLog(series, store, access, signal)
  const { lockNames, owner, journal } = access
  const body = async () => lockBody((await metadataNow(series, true, signal))?.series)
  const options = { lockNames, owner, journal, clock: series.clock }
  return await acquireLocks(store, series.place, body, options, signal)
}

/** @throws ErrorLogExistsError unless it may be deleted, and is */
export async function refuseErrorLog(
  series: Series,
  store: ObjectStore,
  { overrideErrors = false }: CODObjectAccess,
  signal?: AbortSignal,
): Promise<void> {
  const { key } = series.object("errorLog")
  const log = await store.head(key, signal)
  if (log === undefined) return
  if (!overrideErrors) throw new ErrorLogExistsError(series.uri)
  try {
    await deleteObject(store, key, log.generation, signal)
  } catch (error) {
    if (error instanceof PreconditionFailed) throw new ErrorLogExistsError(series.uri, error)
    throw error
  }
}

/** @returns undefined when there is none and that is no error */
async function metadataNow(
  series: Series,
  mayBeMissing: boolean,
  signal?: AbortSignal,
): Promise<LoadedMetadata | undefined> {
  try {
    return await series.reload(signal)
  } catch (error) {
    if (mayBeMissing && error instanceof CODObjectNotFoundError) return undefined
    throw error
  }
}

/** A store to write the datastore by: the one handed in, or one that goes with it. @throws UsageError */
export function storeFor(
  { datastore }: SeriesPlace,
  { store, access }: CODObjectAccess,
): { readonly store: ObjectStore } & Disposable {
  if (store === undefined) {
    const opened = openStore(datastore, access)
    return { store: opened, [Symbol.dispose]: () => opened[Symbol.dispose]() }
  }
  const given = writable(store)
  if (given !== undefined) return { store: given, [Symbol.dispose]() {} }
  throw new UsageError(
    `nothing can be written to ${store.uri}`,
    "Hand in a store that can be written to, or none.",
  )
}

/** Undefined for one that can only be read. */
export function writable(store: CODObjectAccess["store"]): ObjectStore | undefined {
  return store !== undefined && "write" in store && "delete" in store ? (store as ObjectStore) : undefined
}
