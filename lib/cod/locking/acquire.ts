import { PreconditionFailed, StorageError, Unavailable } from "../../storage/errors.ts"
import { abortReason } from "../../storage/failures.ts"
import type { ObjectInfo, ObjectStore } from "../../storage/store.ts"
import { onAbort } from "../../support/abort.ts"
import { crc32cBase64 } from "../../support/checksums.ts"
import { type Clock, systemClock } from "../../support/clock.ts"
import { LOCK_NAMES, type SeriesPlace } from "../format/layout.ts"
import { type LockFolder, lockFolder, requireLockNames } from "./names.ts"
import { type LockOwner, metadataOf, thisOwner, tokenOf } from "./owner.ts"
import { describeHeld, heldByAnother, leftBehind } from "./refusal.ts"
import { deleteLock } from "./remove.ts"
import { seriesLock } from "./series-lock.ts"
import type { HeldLock, LockJournal, SeriesLock } from "./types.ts"

export interface LockOptions {
  /**
   * Names of the lock objects, in the order in which they are taken (`.cod.lock`, `.gradient.lock`). The Python package
   * looks for the latter only: who leaves it out does not keep that package from writing.
   */
  readonly lockNames?: readonly string[] | undefined
  /** Who it is that takes them (this process). */
  readonly owner?: LockOwner | undefined
  /** Told of what is done with the locks. */
  readonly journal?: LockJournal | undefined
  readonly clock?: Clock | undefined
}

/** After an abort the answer to a creation that is under way is awaited for so long: then it is known what to undo. */
const GRACE_MS = 5_000

/** Giving back what was taken may take so long, whatever made it necessary. */
const UNDO_MS = 30_000

/**
 * Takes the lock of a series: creates each of its objects where there is none, in the order of their names. When one
 * cannot be had, those that were taken are given back, last taken first.
 *
 * Known names that are not among them are looked for when ours stand: two who use different names then see each other,
 * and at most one goes on.
 *
 * An answer that was lost is no loss: what stands there with our token is ours. But a creation that reaches the store
 * only after all waiting is over leaves a lock behind that nobody holds; its custom metadata tell whose it was.
 *
 * @param body makes what the lock holds (`lockBody`); called once, before anything is created. Whatever it was made from
 *   has to be read again once the lock is there
 * @throws LockAcquisitionError, LocksLeftBehindError, StorageError, UsageError, what `body` throws
 */
export async function acquireLocks(
  store: ObjectStore,
  place: SeriesPlace,
  body: () => Uint8Array | Promise<Uint8Array>,
  { lockNames = LOCK_NAMES, owner = thisOwner(), journal, clock = systemClock }: LockOptions = {},
  signal?: AbortSignal,
): Promise<SeriesLock> {
  requireLockNames(lockNames)
  const folder = lockFolder(store, place)
  throwIfAborted(signal)
  const token = crypto.randomUUID()
  const attempt = { store, folder, token, body: await body(), owner, journal, clock, signal }
  const taken: HeldLock[] = []
  await journal?.intends({ token, seriesUri: folder.uri, names: lockNames })
  try {
    for (const name of lockNames) {
      throwIfAborted(signal)
      taken.push(await take(attempt, name))
    }
    await refuseOthers(attempt, lockNames)
    throwIfAborted(signal)
    await journal?.took({ token, held: taken })
  } catch (error) {
    throw await giveBack(attempt, taken, error)
  }
  return seriesLock({ store, folder, clock, journal }, token, taken)
}

interface Attempt {
  readonly store: ObjectStore
  readonly folder: LockFolder
  readonly token: string
  readonly body: Uint8Array
  readonly owner: LockOwner
  readonly journal: LockJournal | undefined
  readonly clock: Clock
  readonly signal: AbortSignal | undefined
}

/** @throws UnknownOutcome when nobody can say whether it is ours now */
async function take(attempt: Attempt, name: string): Promise<HeldLock> {
  const { folder, token, clock } = attempt
  const key = folder.keyOf(name)
  const held = ({ generation }: ObjectInfo) => ({ name, key, uri: folder.uriOf(name), generation })
  try {
    return held(await create(attempt, key))
  } catch (cause) {
    if (isRefusal(cause)) throw cause
    const standing = await look(attempt, name, cause)
    if (standing !== undefined && tokenOf(standing.metadata) === token) return held(standing)
    if (cause instanceof PreconditionFailed) throw heldByAnother(folder, name, standing, clock.now(), cause)
    throw new Uncertain(cause)
  }
}

async function create({ store, token, body, owner, clock, signal }: Attempt, key: string) {
  using patience = withGrace(signal, clock)
  const options = {
    ifGeneration: "absent",
    crc32c: crc32cBase64(body),
    contentType: "application/json",
    contentEncoding: "gzip",
    metadata: metadataOf(owner, token, clock.now()),
  } as const
  return await store.write(key, body, options, patience.signal)
}

async function look({ store, folder }: Attempt, name: string, cause: unknown) {
  try {
    return await store.head(folder.keyOf(name), AbortSignal.timeout(UNDO_MS))
  } catch {
    // What failed first says more.
    throw new UnknownOutcome(name, cause)
  }
}

/** Whether the store answered, and that it does not do it. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof StorageError && !(error instanceof Unavailable || error instanceof PreconditionFailed)
  )
}

/** A creation failed without an answer: it may reach the store yet. */
class Uncertain extends Error {
  constructor(cause: unknown) {
    super("a creation without an answer", { cause })
  }
}

/** And so did the look at what became of it. */
class UnknownOutcome extends Uncertain {
  readonly lockName: string

  constructor(lockName: string, cause: unknown) {
    super(cause)
    this.lockName = lockName
  }
}

async function refuseOthers(attempt: Attempt, lockNames: readonly string[]): Promise<void> {
  const { store, folder, clock, signal } = attempt
  const others = LOCK_NAMES.filter((name) => !lockNames.includes(name))
  const standing = await Promise.all(others.map((name) => store.head(folder.keyOf(name), signal)))
  for (const [index, info] of standing.entries()) {
    if (info !== undefined) throw heldByAnother(folder, others[index]!, info, clock.now())
  }
}

/** @returns what is to be thrown */
async function giveBack(attempt: Attempt, taken: readonly HeldLock[], failure: unknown) {
  const { store, folder, token, journal } = attempt
  const reason = failure instanceof Uncertain ? failure.cause : failure
  const left = failure instanceof UnknownOutcome ? [folder.uriOf(failure.lockName)] : []
  for (const lock of taken.toReversed()) {
    try {
      await deleteLock(store, lock, AbortSignal.timeout(UNDO_MS))
    } catch {
      left.push(describeHeld(lock))
    }
  }
  if (left.length > 0) return leftBehind(folder.uri, token, left, reason)
  // What failed first says more; a record without an end is looked into later, as after a crash.
  if (!(failure instanceof Uncertain)) await journal?.ended({ token }, "never created").catch(() => undefined)
  return reason
}

/** Follows the caller's signal, but later. */
function withGrace(signal: AbortSignal | undefined, clock: Clock) {
  const late = new AbortController()
  const over = new AbortController()
  const giveUpLater = () => {
    const giveUp = () => late.abort(signal?.reason)
    // Rejects when the answer came in time.
    clock.delay(GRACE_MS, over.signal).then(giveUp, () => undefined)
  }
  const link = signal && onAbort(signal, giveUpLater)
  return {
    signal: late.signal,
    [Symbol.dispose]() {
      link?.[Symbol.dispose]()
      over.abort()
    },
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortReason(signal)
}
