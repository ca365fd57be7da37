import { hostname, userInfo } from "node:os"
import {
  breakLock,
  describeLock,
  type FoundLock,
  findLocks,
  locksToBreak,
  parseSeriesUri,
} from "../../cod/index.ts"
import { claimSeries, releaseSeries } from "../../ledger/cod/claims.ts"
import { isOwnLock, seriesHeldByOthers } from "../../ledger/cod/foreign-locks.ts"
import { openLocks, recordLockEnd } from "../../ledger/cod/locks.ts"
import { clearSeriesFailure } from "../../ledger/cod/retry.ts"
import { seriesByUids } from "../../ledger/cod/series.ts"
import type { ObjectStore } from "../../storage/store.ts"
import { HeldByAnother, UsageError } from "../../support/errors.ts"
import type { Log } from "../../support/log.ts"
import type { LocksView } from "./lines.ts"

export interface ReleaseRequest {
  readonly seriesUri: string
  /** For the ledger and the log. */
  readonly why: string
  /** Of a lock that is not this ledger's: somebody looked at it, and decided on that one. */
  readonly generation?: string | undefined
}

export interface ReleasedLocks {
  readonly series_uri: string
  readonly why: string
  /** Who did it. */
  readonly by: string
  /** What stood, or stands in a dry run; empty when only the ledger still had it. */
  readonly objects: readonly {
    readonly name: string
    readonly generation: string
    readonly held_by: string
  }[]
  /** Records of the ledger that ended. */
  readonly ended: number
}

type ReleaseView = LocksView & { readonly store: ObjectStore }

/** What `releaseLocks` would do. @throws as it does */
export async function releasePreview(
  view: LocksView,
  request: ReleaseRequest,
  signal?: AbortSignal,
): Promise<ReleasedLocks> {
  const { meant, records } = await chosen(view, request, signal)
  return releasedOf(view, request, meant, records.length)
}

/**
 * Releases the lock of a series by hand: this ledger's own, or that of somebody else that is named by its generation. Each
 * object is deleted in the generation that was seen, and in no other. The next run tries the series again.
 * @throws UsageError for a lock of others that is not named, HeldByAnother while a run packs the series, StorageError
 */
export async function releaseLocks(
  view: ReleaseView & { readonly runId: number; readonly log: Pick<Log, "warn"> },
  request: ReleaseRequest,
  signal?: AbortSignal,
): Promise<ReleasedLocks> {
  const { ledger, store, runId, log } = view
  const seriesNo = seriesNoOf(view, request.seriesUri)
  const claim = claimSeries(ledger, runId, seriesNo)
  if (claim === undefined) throw new HeldByAnother(`a run is packing ${request.seriesUri} right now`)
  try {
    const { meant, records } = await chosen(view, request, signal)
    const released = releasedOf(view, request, meant, records.length)
    // Before it is done: of what was done nobody may be left without a word.
    log.warn({ ...released }, "a lock is released by hand")
    const place = parseSeriesUri(request.seriesUri)
    for (const { name, generation } of meant.toReversed()) {
      await breakLock(store, place, { name, generation }, signal)
    }
    ledger.write((tally) => {
      for (const token of records) {
        recordLockEnd(ledger, token, "released by hand", `${request.why} (${released.by})`)
      }
      clearSeriesFailure(ledger, tally, seriesNo)
    })
    return released
  } finally {
    ledger.write(() => releaseSeries(ledger, claim))
  }
}

interface Chosen {
  readonly meant: readonly FoundLock[]
  /** Tokens of records that end with it. */
  readonly records: readonly string[]
}

async function chosen(view: LocksView, request: ReleaseRequest, signal?: AbortSignal): Promise<Chosen> {
  const { ledger, store } = view
  const { seriesUri, generation } = request
  const place = parseSeriesUri(seriesUri)
  const standing = await findLocks(store, place, signal)
  const isOwn = ({ holder }: FoundLock) => holder !== undefined && isOwnLock(ledger, holder.token)
  const own = standing.filter(isOwn)
  const meant = generation === undefined ? own : await locksToBreak(store, place, { generation }, signal)
  if (meant.length === 0 && standing.length > 0) throw notOurs(view, seriesUri, standing)
  const tokens = new Set(meant.map(({ holder }) => holder?.token))
  const stays = new Set(own.map(({ holder }) => holder!.token).filter((token) => !tokens.has(token)))
  const open = openLocks(ledger, seriesNoOf(view, seriesUri)).map(({ token }) => token)
  return { meant, records: open.filter((token) => !stays.has(token)) }
}

function releasedOf(
  { ledger }: LocksView,
  { seriesUri, why }: ReleaseRequest,
  meant: readonly FoundLock[],
  ended: number,
): ReleasedLocks {
  const now = ledger.clock.now()
  const objects = meant.map((lock) => ({
    name: lock.name,
    generation: lock.generation,
    held_by: describeLock(lock, now),
  }))
  return { series_uri: seriesUri, why, by: `${userInfo().username} on ${hostname()}`, objects, ended }
}

/** @throws UsageError for a series that the ledger does not know */
function seriesNoOf({ ledger, places }: LocksView, uri: string): number {
  const recorded = openLocks(ledger).find(({ seriesUri }) => seriesUri === uri)?.seriesNo
  // Where UIDs are hashed, those of a path lead nowhere.
  const named = () => seriesByUids(ledger, parseSeriesUri(uri))
  const met = () => seriesHeldByOthers(ledger).find((series) => places.uriOf(series) === uri)
  const seriesNo = recorded ?? met()?.seriesNo ?? named()?.seriesNo
  if (seriesNo !== undefined) return seriesNo
  throw new UsageError(
    `the ledger knows of no lock at ${uri}`,
    "bun run locks list tells of those that it knows; any other one is broken by bun run cod unlock.",
  )
}

function notOurs({ ledger }: LocksView, seriesUri: string, standing: readonly FoundLock[]) {
  const now = ledger.clock.now()
  const [first] = standing
  const each = standing.map(
    (lock) => `${lock.name} (generation ${lock.generation}) of ${describeLock(lock, now)}`,
  )
  return new UsageError(
    `the lock of ${seriesUri} is not this ledger's: ${each.join("; ")}`,
    `If nobody works on the series any more, name it: --generation ${first?.generation}.`,
  )
}
