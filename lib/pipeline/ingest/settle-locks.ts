import {
  breakLock,
  CODObject,
  CODObjectNotFoundError,
  type FoundLock,
  findLocks,
  LockVerificationError,
  parseSeriesUri,
  type SerializedCODObject,
  tarRecordOf,
  tarUri,
} from "../../cod/index.ts"
import { assertSeriesClaimed, claimSeries, releaseSeries, type SeriesClaim } from "../../ledger/cod/claims.ts"
import {
  type LockEnd,
  type OpenLock,
  openLocks,
  recordLockEnd,
  recordLockTaken,
  reopenLock,
} from "../../ledger/cod/locks.ts"
import { type LedgerSeries, seriesByNo } from "../../ledger/cod/series.ts"
import { verdictOf } from "../../support/errors.ts"
import type { IngestDeps } from "./deps.ts"
import { generationsOf } from "./lock-journal.ts"
import { placeOf } from "./series-place.ts"

export type SettleDeps = Pick<
  IngestDeps,
  "ledger" | "commits" | "runId" | "datastore" | "uidHashFunc" | "log"
>

/** With what a claimed series is gone on with, as options of an ingestion. */
export interface Unfinished {
  /** A lock of ours that stands. */
  readonly serialized?: SerializedCODObject
  /** Whether an earlier write of ours may have been cut off. */
  readonly afterCrash: boolean
}

/**
 * Ends what earlier work left of the locks of a claimed series. The claim is ours, so nobody else works under a lock of this
 * ledger. One that hangs stays, and so does one that is not ours.
 * @returns how to go on; a lock that stands whole is to be gone on with
 * @throws StorageError, ClaimLost
 */
export async function settleLock(
  deps: SettleDeps,
  claim: SeriesClaim,
  series: LedgerSeries,
  signal?: AbortSignal,
): Promise<Unfinished> {
  const place = placeOf(deps, series)
  // A creation may have reached the store after its end was recorded: then our own lock was met as that of another.
  const mayBeLate = series.errorClass === "LockAcquisitionError"
  if (openLocks(deps.ledger, series.seriesNo).length === 0 && !mayBeLate) return { afterCrash: false }
  const standing = await findLocks(deps.datastore, place, signal)
  if (mayBeLate) await reopenLate(deps, claim, standing)
  let serialized: SerializedCODObject | undefined
  const unfinished = openLocks(deps.ledger, series.seriesNo).filter((lock) => lock.hangingSince === null)
  for (const lock of unfinished) {
    const settled = await settle(deps, { claim, lock, standing }, signal)
    if (settled.whole === undefined) continue
    const { token } = lock
    const hashedUids = deps.uidHashFunc !== undefined
    serialized = { ...place, hashedUids, lock: { token, locks: settled.whole } }
  }
  return { ...(serialized && { serialized }), afterCrash: unfinished.length > 0 }
}

/** What became of a lock whose end was not recorded. */
export interface SettledLock {
  readonly seriesUri: string
  readonly token: string
  /** `left`: it goes on to protect a series that was stored by half, until the series is packed. */
  readonly outcome: LockEnd | "left" | "in use" | "failed"
  readonly error?: unknown
}

/**
 * Settles all locks that earlier runs left, as far as nothing has to be packed for it. One that stands whole is released
 * where tar and metadata belong together, and stays elsewhere for who packs the series next.
 * @throws what ends a run; other failures are told, and the next run tries again
 */
export async function settleLocks(deps: SettleDeps, signal?: AbortSignal): Promise<readonly SettledLock[]> {
  const settled: SettledLock[] = []
  for (const lock of openLocks(deps.ledger)) {
    if (lock.hangingSince !== null) continue
    const { seriesUri, token } = lock
    try {
      settled.push({ seriesUri, token, outcome: await settleOne(deps, lock, signal) })
    } catch (error) {
      if (signal?.aborted === true || verdictOf(error) === "stop") throw error
      deps.log.warn(
        { err: error, series: seriesUri },
        "a lock could not be settled; the next run tries again",
      )
      settled.push({ seriesUri, token, outcome: "failed", error })
    }
  }
  return settled
}

async function settleOne(
  deps: SettleDeps,
  { seriesNo, token }: OpenLock,
  signal?: AbortSignal,
): Promise<SettledLock["outcome"]> {
  const { ledger, commits, runId } = deps
  const claim = await commits.add(() => claimSeries(ledger, runId, seriesNo))
  if (claim === undefined) return "in use"
  try {
    const lock = openLocks(ledger, seriesNo).find((open) => open.token === token)
    // Whoever had the claim until now has ended it.
    if (lock === undefined) return "released"
    const place = placeOf(deps, seriesByNo(ledger, seriesNo)!)
    const standing = await findLocks(deps.datastore, place, signal)
    const { end, whole } = await settle(deps, { claim, lock, standing }, signal)
    if (whole === undefined) return end
    if (!(await belongTogether(deps, place, signal))) return "left"
    await release(deps, { claim, lock, standing }, signal)
    return "released"
  } finally {
    await commits.add(() => releaseSeries(ledger, claim))
  }
}

interface Settling {
  readonly claim: SeriesClaim
  readonly lock: OpenLock
  /** All locks of the series. */
  readonly standing: readonly FoundLock[]
}

type Settled =
  | { readonly end: LockEnd; readonly whole?: undefined }
  | { readonly end?: undefined; readonly whole: readonly FoundLock[] }

/** Compares the record of a lock with what stands of it; of one that does not stand whole the rest goes. */
async function settle(deps: SettleDeps, settling: Settling, signal?: AbortSignal): Promise<Settled> {
  const { claim, lock, standing } = settling
  const { ledger, commits } = deps
  const ours = oursOf(lock, standing)
  const whole = lock.names.flatMap((name) => ours.filter((one) => one.name === name))
  if (whole.length === lock.names.length) {
    await commits.add(() => {
      assertSeriesClaimed(ledger, claim)
      recordLockTaken(ledger, lock.token, generationsOf(whole))
    })
    return { whole }
  }
  return { end: await release(deps, settling, signal) }
}

/** Removes what stands of a lock, each object in this generation alone, and records its end. */
async function release(
  { ledger, commits, datastore }: SettleDeps,
  { claim, lock, standing }: Settling,
  signal?: AbortSignal,
): Promise<LockEnd> {
  const [first] = oursOf(lock, standing)
  if (first !== undefined) await remove(datastore, lock, first, signal)
  const end = lock.generations === undefined && first === undefined ? "never created" : "released"
  await commits.add(() => {
    assertSeriesClaimed(ledger, claim)
    recordLockEnd(ledger, lock.token, end)
  })
  return end
}

async function remove(
  datastore: SettleDeps["datastore"],
  { seriesUri }: OpenLock,
  { generation }: FoundLock,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await breakLock(datastore, parseSeriesUri(seriesUri), { generation }, signal)
  } catch (error) {
    // Somebody else removed it meanwhile.
    if (!(error instanceof LockVerificationError)) throw error
  }
}

function oursOf({ token }: OpenLock, standing: readonly FoundLock[]): readonly FoundLock[] {
  return standing.filter(({ holder }) => holder?.token === token)
}

async function reopenLate(
  { ledger, commits }: SettleDeps,
  claim: SeriesClaim,
  standing: readonly FoundLock[],
): Promise<void> {
  const tokens = standing.flatMap(({ holder }) => holder?.token ?? [])
  await commits.add(() => {
    assertSeriesClaimed(ledger, claim)
    for (const token of new Set(tokens)) reopenLock(ledger, claim.seriesNo, token)
  })
}

/** Whether the metadata that stand are of the tar that stands: nothing was stored by half. */
async function belongTogether(
  { datastore }: SettleDeps,
  place: ReturnType<typeof placeOf>,
  signal?: AbortSignal,
): Promise<boolean> {
  const tar = await datastore.head(tarUri(place).slice(datastore.uri.length + 1), signal)
  try {
    await using cod = await CODObject.open({ ...place, store: datastore, lock: false }, signal)
    const record = tarRecordOf({ place }, await cod.getMetadata(signal))
    return record !== undefined && record.generation === tar?.generation
  } catch (error) {
    if (error instanceof CODObjectNotFoundError) return tar === undefined
    throw error
  }
}
