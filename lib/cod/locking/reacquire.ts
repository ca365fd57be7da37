import type { ObjectStore } from "../../storage/store.ts"
import { systemClock } from "../../support/clock.ts"
import { UsageError } from "../../support/errors.ts"
import type { SeriesPlace } from "../format/layout.ts"
import type { LockOptions } from "./acquire.ts"
import { lockFolder, requireLockNames } from "./names.ts"
import { tokenOf } from "./owner.ts"
import { type BrokenLock, lockLost } from "./refusal.ts"
import { seriesLock } from "./series-lock.ts"
import type { HeldLock, SerializedLock, SeriesLock } from "./types.ts"

/**
 * Goes on with a lock that was taken elsewhere: that very one, by its objects' generations and its token. It creates
 * nothing, and takes nothing from whoever handed the lock on: of two who go on with it, neither knows of the other.
 * @throws LockVerificationError when one of the objects is gone or another one, StorageError, UsageError for what is no
 *   serialized lock
 */
export async function reacquireLocks(
  store: ObjectStore,
  place: SeriesPlace,
  serialized: SerializedLock,
  { journal, clock = systemClock }: Pick<LockOptions, "journal" | "clock"> = {},
  signal?: AbortSignal,
): Promise<SeriesLock> {
  const { token, locks } = requireSerialized(serialized)
  const folder = lockFolder(store, place)
  const find = async ({ name, generation }: SerializedLock["locks"][number]) => {
    const lock: HeldLock = { name, key: folder.keyOf(name), uri: folder.uriOf(name), generation }
    return { lock, standing: await store.head(lock.key, signal) }
  }
  const found = await Promise.all(locks.map(find))
  const broken = found.filter((one) => !isOurs(one, token))
  if (broken.length > 0) throw lockLost(folder, broken, clock.now())
  const held = found.map(({ lock }) => lock)
  return seriesLock({ store, folder, clock, journal }, token, held)
}

function isOurs({ lock, standing }: BrokenLock, token: string): boolean {
  return standing?.generation === lock.generation && tokenOf(standing.metadata) === token
}

/** It has been in other hands: JSON, whatever its type says. */
function requireSerialized(serialized: SerializedLock): SerializedLock {
  const value: unknown = serialized
  if (isRecord(value) && typeof value.token === "string" && Array.isArray(value.locks)) {
    const locks = value.locks.filter(isLock)
    if (locks.length === value.locks.length) {
      requireLockNames(locks.map(({ name }) => name))
      return { token: value.token, locks }
    }
  }
  throw new UsageError("this is no serialized lock", "Hand on what `serialize()` gave, as it is.")
}

function isLock(value: unknown): value is SerializedLock["locks"][number] {
  return isRecord(value) && typeof value.name === "string" && typeof value.generation === "string"
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null
}
