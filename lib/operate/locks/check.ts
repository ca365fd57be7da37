import { type FoundLock, findLocks, listSeries, parseSeriesUri, type SeriesPlace } from "../../cod/index.ts"
import { type OpenLock, openLocks } from "../../ledger/cod/locks.ts"
import { inOrder } from "./in-order.ts"
import { foreignLines, foreignLinesAt, type LockLine, type LocksView, nextFor, stateOf } from "./lines.ts"

/**
 * How a lock of the ledger stands in the datastore: as recorded; not at all, although it did once; another one in its place;
 * in part; not at all, and nobody ever heard that it did; or without a record that it does.
 */
export type Standing = "agrees" | "gone" | "exchanged" | "in part" | "never created" | "not recorded"

export interface CheckedLock {
  readonly series_uri: string
  readonly state: ReturnType<typeof stateOf>
  readonly standing: Standing
  /** Whether somebody has to do something, or the next run. */
  readonly is_fault: boolean
  readonly what_next: string
}

export interface LocksCheck {
  readonly own: readonly CheckedLock[]
  /** That keep series of the ledger from being packed; with `all` every one in the datastore. */
  readonly foreign: readonly LockLine[]
  readonly faults: number
}

/**
 * Holds the ledger's locks against the store.
 * @param options.all looks for locks in the whole datastore: lists every key of it
 * @throws StorageError
 */
export async function checkLocks(
  view: LocksView,
  { all }: { readonly all: boolean },
  signal?: AbortSignal,
): Promise<LocksCheck> {
  const { ledger, store } = view
  const checkOne = async (lock: OpenLock, signal: AbortSignal) => {
    const found = await findLocks(store, parseSeriesUri(lock.seriesUri), signal)
    return checked(lock, standingOf(lock, found))
  }
  const own = await inOrder(openLocks(ledger), checkOne, signal)
  const foreign = all
    ? await foreignLinesAt(view, await lockedPlaces(view, signal), signal)
    : await foreignLines(view, signal)
  return { own, foreign, faults: own.filter(({ is_fault }) => is_fault).length }
}

/** Of what a living run holds, a part may just be on its way. */
function checked(lock: OpenLock, standing: Standing): CheckedLock {
  const state = stateOf(lock)
  const isFault = state === "held" ? standing === "exchanged" : state === "hanging" || standing !== "agrees"
  return {
    series_uri: lock.seriesUri,
    state,
    standing,
    is_fault: isFault,
    what_next: nextFor(state, lock.seriesUri),
  }
}

export function standingOf(lock: OpenLock, found: readonly FoundLock[]): Standing {
  const ours = found.filter(({ holder }) => holder?.token === lock.token)
  const isAsRecorded = ({ name, generation }: FoundLock) => lock.generations?.[name] === generation
  if (ours.length === lock.names.length) {
    if (lock.generations === undefined) return "not recorded"
    return ours.every(isAsRecorded) ? "agrees" : "exchanged"
  }
  if (ours.length > 0) return "in part"
  if (found.some(({ name }) => lock.names.includes(name))) return "exchanged"
  return lock.generations === undefined ? "never created" : "gone"
}

async function lockedPlaces({ store }: LocksView, signal?: AbortSignal): Promise<SeriesPlace[]> {
  const places: SeriesPlace[] = []
  for await (const { place, locks } of listSeries({ datastore: store.uri, store }, signal)) {
    if (locks.length > 0) places.push(place)
  }
  return places
}
