import {
  CODObject,
  type CODObjectAccess,
  type Dirty,
  type SeriesMetadata,
  type SeriesPlace,
  uidHashFunc,
  withCODObject,
} from "../../cod/index.ts"
import { storeOptions } from "../../pipeline/deps.ts"
import { openStore } from "../../storage/open.ts"
import type { ObjectStore } from "../../storage/store.ts"
import { explained } from "./explain.ts"
import { refuseHindered } from "./hindrances.ts"
import type { CodStart } from "./start.ts"
import type { VerbOptions } from "./verb.ts"

export type WriteOptions = Pick<VerbOptions, "dryRun" | "lockNames" | "metadataVersion">

/** Changes a series that is open, and stores nothing. */
export type Change<T> = (series: CODObject, dirty: Dirty) => Promise<T>

export interface Changed<T> {
  readonly result: T
  /** Whether there was anything to do. */
  readonly isChanged: boolean
}

/**
 * Changes a stored series, and stores what was changed. It is done without a lock first: what is refused then, or comes to
 * nothing, keeps nobody waiting, and a dry run ends there. What is refused under the lock gives it back.
 */
export function changeSeries<T>(
  place: SeriesPlace,
  start: CodStart,
  options: WriteOptions,
  change: Change<T>,
): Promise<Changed<T>> {
  return withStoreToWrite(place, start, async (store, seen) => {
    const access = { ...accessFor(store, start, options), ...place, createIfMissing: false }
    const rehearsed = await rehearse({ ...access, lock: false }, start, seen, change)
    if (!rehearsed.isChanged) return rehearsed
    if (!options.dryRun) return await changeUnderLock({ ...access, lock: true }, start, seen, change)
    await refuseHindered(store, place, start.stop.requested)
    return rehearsed
  })
}

/** Opens the datastore of a series to write it. What is not there is told with what is. */
export async function withStoreToWrite<T>(
  place: SeriesPlace,
  start: CodStart,
  work: (store: ObjectStore, seen: Seen) => Promise<T>,
): Promise<T> {
  using store = openStore(place.datastore, storeOptions(start))
  let known: SeriesMetadata | undefined
  try {
    return await work(store, (metadata) => {
      known = metadata
    })
  } catch (error) {
    throw await explained(error, place, store, known, start.stop.requested)
  }
}

type Seen = (metadata: SeriesMetadata) => void

/** How series are opened here; a flag wins over the configuration. */
export function accessFor(
  store: ObjectStore,
  { config: { cod } }: CodStart,
  { lockNames = cod.lockNames, metadataVersion = cod.metadataVersion }: Omit<WriteOptions, "dryRun">,
): Omit<CODObjectAccess, "lock"> {
  const hash = cod.uidHashKey === undefined ? undefined : uidHashFunc(cod.uidHashKey)
  return { store, lockNames, metadataVersion, uidHashFunc: hash }
}

type Opening = SeriesPlace & CODObjectAccess

async function rehearse<T>(
  opening: Opening,
  { stop }: CodStart,
  seen: Seen,
  change: Change<T>,
): Promise<Changed<T>> {
  await using series = await CODObject.open(opening, stop.requested)
  seen(await series.getMetadata())
  const result = await change(series, { dirty: true })
  return { result, isChanged: series.isChanged }
}

async function changeUnderLock<T>(
  opening: Opening,
  { log, stop }: CodStart,
  seen: Seen,
  change: Change<T>,
): Promise<Changed<T>> {
  stop.requested.throwIfAborted()
  // Given up half-way its lock would hang: what has begun may end.
  const signal = stop.forced
  const work = async (series: CODObject): Promise<Changed<T> | { readonly refusal: unknown }> => {
    seen(await series.getMetadata())
    try {
      const result = await change(series, {})
      const { isChanged } = series
      await series.sync({}, signal)
      return { result, isChanged }
    } catch (error) {
      if (series.isChanged) throw error
      return { refusal: error }
    }
  }
  const done = await withCODObject(opening, work, { log, signal })
  if ("refusal" in done) throw done.refusal
  return done
}
