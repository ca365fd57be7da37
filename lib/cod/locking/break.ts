import type { Generation, ObjectSource, ObjectStore } from "../../storage/store.ts"
import { LockVerificationError } from "../errors.ts"
import type { SeriesPlace } from "../format/layout.ts"
import { type FoundLock, findLocks } from "./found.ts"
import { lockFolder } from "./names.ts"
import { deleteLock } from "./remove.ts"

/** Which lock is meant: somebody looked at it, and decided on that one. */
export interface LockChoice {
  readonly generation: Generation
  /** Without it the one of that generation, and all that were taken together with it. */
  readonly name?: string | undefined
}

/**
 * Removes a lock that somebody left behind, whoever it was. The one who held it, if it lives after all, can write no
 * more: before it changes a series it verifies its lock.
 * @returns what was removed
 * @throws LockVerificationError when there is no such lock (any more), StorageError
 */
export async function breakLock(
  store: ObjectStore,
  place: SeriesPlace,
  choice: LockChoice,
  signal?: AbortSignal,
): Promise<readonly FoundLock[]> {
  const broken = await locksToBreak(store, place, choice, signal)
  // As their owner would release them: who waits for the first name finds the others free.
  for (const lock of broken.toReversed()) await deleteLock(store, lock, signal)
  return broken
}

/** What `breakLock` would remove. @throws as it does */
export async function locksToBreak(
  store: ObjectSource,
  place: SeriesPlace,
  { generation, name }: LockChoice,
  signal?: AbortSignal,
): Promise<readonly FoundLock[]> {
  const standing = await findLocks(store, place, signal)
  const meant = standing.find((lock) => lock.generation === generation && (name ?? lock.name) === lock.name)
  if (meant === undefined) throw notThere(lockFolder(store, place).uri, generation, standing)
  const token = meant.holder?.token
  const isCompanion = (lock: FoundLock) =>
    name === undefined && token !== undefined && lock.holder?.token === token
  return standing.filter((lock) => lock === meant || isCompanion(lock))
}

function notThere(series: string, generation: Generation, standing: readonly FoundLock[]) {
  const there = standing.map((lock) => `${lock.name} (generation ${lock.generation})`).join(", ")
  return new LockVerificationError(`${series} has no lock of generation ${generation}`, {
    facts: { series, generation, standing: there },
    hint: there === "" ? "It is not locked." : `There is ${there}: look whose it is with \`cod info\`.`,
  })
}
