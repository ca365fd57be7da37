import type { ObjectStore } from "../../storage/store.ts"
import type { Clock } from "../../support/clock.ts"
import { LockVerificationError } from "../errors.ts"
import type { LockFolder } from "./names.ts"
import { type BrokenLock, lockLost } from "./refusal.ts"
import { deleteLock } from "./remove.ts"
import type { HeldLock, LockJournal, SeriesLock } from "./types.ts"

export type { HeldLock, SerializedLock, SeriesLock } from "./types.ts"

export interface LockMeans {
  readonly store: ObjectStore
  readonly folder: LockFolder
  readonly clock: Clock
  readonly journal: LockJournal | undefined
}

export function seriesLock(means: LockMeans, token: string, held: readonly HeldLock[]): SeriesLock {
  const { store, folder, clock, journal } = means
  /** Not known to be gone. */
  let remaining = held
  let isReleased = false
  /** Whose deletion may have taken effect although it failed. */
  const tried = new Set<HeldLock>()
  let isRecorded = false

  const recordEnd = async () => {
    if (isRecorded) return
    await journal?.ended({ token }, tried.size === 0 ? "gone" : "released")
    isRecorded = true
  }

  const verify = async (signal?: AbortSignal) => {
    if (isReleased) {
      throw new LockVerificationError(`the lock of ${folder.uri} was released`, {
        facts: { series: folder.uri },
      })
    }
    const broken = await brokenLocks(store, held, signal)
    if (broken.length > 0) throw lockLost(folder, broken, clock.now())
  }

  const release = async (signal?: AbortSignal) => {
    const broken = await brokenLocks(store, remaining, signal)
    isReleased = true
    const there = remaining.filter((lock) => !broken.some((one) => one.lock === lock))
    const lost = broken.filter(({ lock }) => !tried.has(lock))
    const failures: unknown[] = []
    remaining = lost.map(({ lock }) => lock)
    for (const lock of there.toReversed()) {
      tried.add(lock)
      try {
        await deleteLock(store, lock, signal)
      } catch (error) {
        failures.push(error)
        remaining = [lock, ...remaining]
      }
    }
    if (failures.length > 0) throw failures[0]
    remaining = []
    await recordEnd()
    if (lost.length > 0) throw lockLost(folder, lost, clock.now())
  }

  return {
    held,
    token,
    verify,
    async exists(signal) {
      return !isReleased && (await brokenLocks(store, held, signal)).length === 0
    },
    release,
    serialize: () => ({ token, locks: held.map(({ name, generation }) => ({ name, generation })) }),
  }
}

/** Those of `held` that do not stand as they were. */
export async function brokenLocks(
  store: ObjectStore,
  held: readonly HeldLock[],
  signal?: AbortSignal,
): Promise<BrokenLock[]> {
  const looks = held.map(async (lock) => ({ lock, standing: await store.head(lock.key, signal) }))
  return (await Promise.all(looks)).filter(({ lock, standing }) => standing?.generation !== lock.generation)
}
