import {
  describeLock,
  type FoundLock,
  findLocks,
  instancesInLock,
  parseSeriesUri,
  type SeriesPlace,
} from "../../cod/index.ts"
import { isOwnLock, seriesHeldByOthers } from "../../ledger/cod/foreign-locks.ts"
import { type LockGenerations, type OpenLock, openLocks } from "../../ledger/cod/locks.ts"
import type { Ledger } from "../../ledger/open.ts"
import type { SeriesPlaces } from "../../pipeline/receipts/receipt-document.ts"
import type { ObjectSource } from "../../storage/store.ts"
import { inOrder } from "./in-order.ts"

/** With what locks are looked at. */
export interface LocksView {
  readonly ledger: Ledger
  /** The datastore. */
  readonly store: ObjectSource
  readonly places: SeriesPlaces
}

/**
 * `held`: a living run has it; `unfinished`: its run ended without a word of it; `hanging`: left standing on purpose;
 * `foreign`: not of this ledger.
 */
export type LockState = "held" | "unfinished" | "hanging" | "foreign"

/** A lock for people and programs. */
export interface LockLine {
  readonly series_uri: string
  readonly state: LockState
  /** When it was intended, or since when it stands. */
  readonly since: string | null
  readonly age_seconds: number | null
  readonly owner: string
  readonly why: string
  /** By the name of the object; null when nobody heard whether it was created. */
  readonly generations: LockGenerations | null
  /** Of a foreign lock: what the series held when it was taken, where the lock tells. */
  readonly instances_in_backup: number | null
  readonly what_next: string
}

/** Every lock that the ledger knows and that has not ended, the oldest first. */
export function ownLines(ledger: Ledger): LockLine[] {
  return openLocks(ledger).map((lock) => ownLine(lock, ledger.clock.now()))
}

function ownLine(lock: OpenLock, now: Date): LockLine {
  const state = stateOf(lock)
  const { seriesUri, intendedAt, hangingSince, generations } = lock
  const since = hangingSince ?? intendedAt
  return {
    series_uri: seriesUri,
    state,
    since,
    age_seconds: secondsSince(new Date(since), now),
    owner: `run ${lock.runId}, process ${lock.pid} on ${lock.host}`,
    why: WHY[state](lock),
    generations: generations ?? null,
    instances_in_backup: null,
    what_next: nextFor(state, seriesUri),
  }
}

export function stateOf({ hangingSince, isHeld }: OpenLock): Exclude<LockState, "foreign"> {
  if (hangingSince !== null) return "hanging"
  return isHeld ? "held" : "unfinished"
}

const WHY = {
  held: () => "the run is packing the series",
  unfinished: ({ generations }: OpenLock) =>
    generations === undefined
      ? "the run ended before it heard whether the lock was created"
      : "the run ended before it gave the lock back",
  hanging: ({ hangingWhy }: OpenLock) => hangingWhy ?? "left standing on purpose",
}

/** What ends a lock of ours, as it is typed. */
export function nextFor(state: Exclude<LockState, "foreign">, seriesUri: string): string {
  if (state === "held") return "nothing: it is given back when the series is packed"
  if (state === "unfinished") return "the next run settles it; sooner: bun run locks adopt"
  return (
    `look: bun run cod check ${seriesUri}; then: bun run locks release ${seriesUri} --why TEXT; ` +
    `and if something was found: bun run cod repair ${seriesUri}`
  )
}

/**
 * Locks of others that keep series of the ledger from being packed: those that were met last time and still stand.
 * @throws StorageError
 */
export async function foreignLines(view: LocksView, signal?: AbortSignal): Promise<LockLine[]> {
  const places = seriesHeldByOthers(view.ledger).map((series) => parseSeriesUri(view.places.uriOf(series)))
  return await foreignLinesAt(view, places, signal)
}

/** Locks that are not of this ledger in these series. @throws StorageError */
export async function foreignLinesAt(
  { ledger, store }: Pick<LocksView, "ledger" | "store">,
  places: readonly SeriesPlace[],
  signal?: AbortSignal,
): Promise<LockLine[]> {
  const linesOf = async (place: SeriesPlace, signal: AbortSignal) => {
    const locks = await findLocks(store, place, signal)
    const foreign = locks.filter(({ holder }) => holder === undefined || !isOwnLock(ledger, holder.token))
    return await Promise.all(foreign.map((lock) => foreignLine(store, lock, ledger.clock.now(), signal)))
  }
  return (await inOrder(places, linesOf, signal)).flat()
}

async function foreignLine(
  store: ObjectSource,
  lock: FoundLock,
  now: Date,
  signal?: AbortSignal,
): Promise<LockLine> {
  const { name, uri, generation, since, holder } = lock
  const seriesUri = uri.slice(0, -(name.length + 1))
  const instances = await instancesInLock(store, lock, signal)
  return {
    series_uri: seriesUri,
    state: "foreign",
    since: since?.toISOString() ?? null,
    age_seconds: since === undefined ? null : secondsSince(since, now),
    owner: describeLock({ ...lock, since: undefined }, now),
    why: whyForeign(holder !== undefined, instances),
    generations: { [name]: generation },
    instances_in_backup: instances ?? null,
    what_next:
      "wait until it is given back; if nobody works on the series any more: " +
      `bun run locks release ${seriesUri} --generation ${generation} --why TEXT`,
  }
}

/** However old it is, only a person can know that nobody holds it. */
function whyForeign(tells: boolean, instances: number | undefined): string {
  const who = tells ? "another ledger's or program's" : "it does not tell whose it is"
  if (instances === undefined) return `${who}; it holds no metadata of a series`
  return `${who}; the series had ${instances} ${instances === 1 ? "instance" : "instances"} when it was taken`
}

/** The store's clock may be ahead of ours. */
function secondsSince(since: Date, now: Date): number {
  return Math.max(0, Math.round((now.getTime() - since.getTime()) / 1000))
}
