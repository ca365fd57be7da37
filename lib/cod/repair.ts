import type { ObjectStore } from "../storage/store.ts"
import type { CODObjectAccess } from "./access.ts"
import { InvalidMetadata } from "./errors.ts"
import { parseSeriesUri } from "./format/layout.ts"
import { parseSeriesMetadata } from "./format/metadata/series.ts"
import { acquireLocks } from "./locking/acquire.ts"
import { lockBody } from "./locking/body.ts"
import { wholeMetadata } from "./reading/metadata-bytes.ts"
import { lookFor } from "./reading/presence.ts"
import type { Series } from "./reading/series.ts"
import { seriesAt } from "./reading/series-at.ts"
import { planRepair, type RepairOptions, type RepairReport } from "./writing/repair.ts"
import { refuseErrorLog, storeFor } from "./writing/session.ts"

export type { RepairOptions, RepairReport } from "./writing/repair.ts"
export type { LeftOver, LostInstance } from "./writing/survey.ts"

export type RepairAccess = RepairOptions & Omit<CODObjectAccess, "lock" | "createIfMissing" | "syncOnExit">

/**
 * Repairs the series that a URI names, also one whose metadata are missing or cannot be read, which no `CODObject` opens.
 * Its lock is taken, and given back; it stays only when the writing itself fails. With `dryRun` none is taken.
 *
 * What a crash, another writer or damage left is put right from the tar: metadata that lack instances or are gone,
 * instances that lie elsewhere than the metadata say, a tar that ends too early or goes on behind its end, an index that
 * is none. Nothing is written of a sound series.
 * @throws LockAcquisitionError, ErrorLogExistsError, UsageError; and as `planRepair`
 */
export async function repair(
  uri: string,
  access: RepairAccess = {},
  signal?: AbortSignal,
): Promise<RepairReport> {
  const place = parseSeriesUri(uri)
  const options: CODObjectAccess = { ...access, lock: access.dryRun !== true }
  if (access.dryRun === true) {
    using opened = seriesAt(place, options)
    return (await planRepair({ ...access, series: opened.series }, access, signal)).report
  }
  using owned = new DisposableStack()
  const { store } = owned.use(storeFor(place, options))
  const { series } = owned.use(seriesAt(place, { ...options, store }))
  await refuseErrorLog(series, store, options, signal)
  return await repairUnderLock(series, store, access, signal)
}

async function repairUnderLock(
  series: Series,
  store: ObjectStore,
  access: RepairAccess,
  signal?: AbortSignal,
): Promise<RepairReport> {
  const { lockNames, owner } = access
  const body = () => backupOf(series, signal)
  const lock = await acquireLocks(
    store,
    series.place,
    body,
    { lockNames, owner, clock: series.clock },
    signal,
  )
  const plan = await planRepair({ ...access, series }, access, signal).catch(async (error: unknown) => {
    // Nothing was changed under it yet.
    await lock.release()
    throw error
  })
  await lock.verify(signal)
  await plan.carryOut(store, signal)
  await lock.release(signal)
  return plan.report
}

/** For the lock to hold; where the metadata cannot be read, their very bytes. */
async function backupOf({ metadataJson }: Series, signal?: AbortSignal): Promise<Uint8Array> {
  if ((await lookFor(metadataJson, signal)) === undefined) return lockBody(undefined)
  const { bytes } = await wholeMetadata(metadataJson, undefined, signal)
  try {
    return lockBody(parseSeriesMetadata(bytes))
  } catch (error) {
    if (error instanceof InvalidMetadata) return bytes
    throw error
  }
}
