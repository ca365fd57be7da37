import type { Log } from "../support/log.ts"
import type { CODObjectAccess, CODObjectOptions } from "./access.ts"
import { CODObject, type DeserializeAccess } from "./cod-object.ts"
import { giveBackLock } from "./locking/give-back.ts"
import type { SerializedCODObject } from "./serialize.ts"

/** Whose series is worked on: one that is to be opened, or one that goes on under the lock that was serialized. */
export type SeriesToWorkOn =
  | CODObjectOptions
  | (DeserializeAccess & { readonly serialized: SerializedCODObject })

export interface WorkOptions {
  /** Told when a lock is left hanging, and what to do about it. */
  readonly log?: Pick<Log, "warn"> | undefined
  /** Whether the lock is to stay after this failure (always). Asked before it is given back. */
  readonly leaveHanging?: ((error: unknown, cod: CODObject) => boolean | Promise<boolean>) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens a series, does `work`, and gives the lock back. When `work` fails the lock stays, so that nobody writes what it may
 * have left half-done before somebody has looked, unless `leaveHanging` says otherwise; what was not synced is lost.
 * It stays in any case when the tar may have been stored, and not its metadata: to finish that it has to be gone on with.
 * Temporary files go in all cases.
 * @throws what `work` throws, and as `CODObject.open`, `sync` and `release`; LocksLeftBehindError when the lock was not to
 *   stay, and may nevertheless
 */
export async function withCODObject<T>(
  series: SeriesToWorkOn,
  work: (cod: CODObject) => T | Promise<T>,
  { log, leaveHanging = () => true, signal }: WorkOptions = {},
): Promise<T> {
  await using cod = await opened(series, signal)
  try {
    const result = await work(cod)
    if ((series as CODObjectAccess).syncOnExit === true) await cod.sync({}, signal)
    await cod.release(signal)
    return result
  } catch (error) {
    if (cod.lock === undefined) throw error
    if (await leaveHanging(error, cod)) tellStanding(cod, HANGING, log)
    else if (cod.isHalfStored) tellStanding(cod, HALF_STORED, log)
    else await giveBackLock(cod.lock, cod.datastoreSeriesUri, error)
    throw error
  }
}

async function opened(series: SeriesToWorkOn, signal?: AbortSignal): Promise<CODObject> {
  if (!("serialized" in series)) return await CODObject.open(series, signal)
  const { serialized, ...access } = series
  return await CODObject.deserialize(serialized, access, signal)
}

const HANGING =
  "the lock is left hanging: look at the series with `cod check`, `cod unlock` it, and mend it with `cod repair`"

const HALF_STORED =
  "the lock stays: the tar may be stored without its metadata, what was begun has to be finished"

function tellStanding({ datastoreSeriesUri, lock }: CODObject, what: string, log: WorkOptions["log"]): void {
  const locks = lock!.held.map(({ uri, generation }) => `${uri}#${generation}`)
  log?.warn({ series: datastoreSeriesUri, locks }, what)
}
