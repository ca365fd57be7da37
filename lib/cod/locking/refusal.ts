import type { ObjectInfo } from "../../storage/store.ts"
import { describeError, verdictOf } from "../../support/errors.ts"
import { LockAcquisitionError, LocksLeftBehindError, LockVerificationError } from "../errors.ts"
import { describeLock, type FoundLock, foundLock } from "./found.ts"
import type { LockFolder } from "./names.ts"
import type { HeldLock } from "./types.ts"

/** A lock of ours that is not there as it was: what stands there now, if anything does. */
export interface BrokenLock {
  readonly lock: HeldLock
  readonly standing: ObjectInfo | undefined
}

/** Why a lock cannot be taken: what stands there, if it still did when it was looked at. */
export function heldByAnother(
  folder: LockFolder,
  name: string,
  standing: ObjectInfo | undefined,
  now: Date,
  cause?: unknown,
): LockAcquisitionError {
  const uri = folder.uriOf(name)
  if (standing === undefined) {
    const message = `${uri} was held by somebody who has gone since`
    return new LockAcquisitionError(message, undefined, { facts: { lock: uri }, hint: "Try again.", cause })
  }
  const lock = foundLock(folder, name, standing)
  return new LockAcquisitionError(`${uri} is held by ${describeLock(lock, now)}`, lock, {
    facts: { lock: uri, ...factsOf(lock, now) },
    hint:
      "Wait until it is released. If nobody works on the series any more, break it: " +
      `\`cod unlock ${folder.uri} --generation ${lock.generation} --why TEXT\`.`,
    cause,
  })
}

/** @param broken at least one */
export function lockLost(
  folder: LockFolder,
  broken: readonly BrokenLock[],
  now: Date,
): LockVerificationError {
  const [first] = broken
  const lines = broken.map(({ lock: { name, generation }, standing }) => {
    const instead =
      standing === undefined
        ? "is gone"
        : `was exchanged for generation ${standing.generation} of ${describeLock(foundLock(folder, name, standing), now)}`
    return `${folder.uriOf(name)} (generation ${generation}) ${instead}`
  })
  return new LockVerificationError(lines.join("; "), {
    facts: {
      lock: first?.lock.uri,
      generation: first?.lock.generation,
      found: first?.standing?.generation ?? "absent",
    },
    hint: "Nothing is written without the lock. Find out who broke it, and look at the series with `cod check`.",
  })
}

/**
 * What to throw when locks could not be given back.
 * @param left their URIs, and generations where those are known
 * @param reason why they were to be given back: what went wrong first
 */
export function leftBehind(
  seriesUri: string,
  token: string,
  left: readonly string[],
  reason: unknown,
): LocksLeftBehindError {
  const { message } = describeError(reason)
  return new LocksLeftBehindError(`${message}; it may have left behind ${left.join(", ")}`, {
    verdict: verdictOf(reason),
    facts: { series: seriesUri, token },
    hint: `If they are there, remove them: \`cod unlock ${seriesUri} --generation G --why TEXT\`.`,
    cause: reason,
  })
}

/** A lock that we made, for `leftBehind`. */
export function describeHeld({ uri, generation }: HeldLock): string {
  return `${uri} (generation ${generation})`
}

function factsOf({ generation, tool, holder, since }: FoundLock, now: Date) {
  const ageMs = since === undefined ? undefined : Math.max(0, now.getTime() - since.getTime())
  return { generation, tool, host: holder?.host, pid: holder?.pid, ageMs }
}
