import {
  CODObjectNotFoundError,
  CorruptInstanceError,
  ErrorLogExistsError,
  type FoundLock,
  FrameNotFoundError,
  findLocks,
  InstanceNotFoundError,
  InvalidMetadata,
  LockAcquisitionError,
  LockVerificationError,
  listSeries,
  type SeriesMetadata,
  type SeriesPlace,
  seriesUri,
} from "../../cod/index.ts"
import { AccessDenied } from "../../storage/errors.ts"
import type { ObjectSource } from "../../storage/store.ts"
import { AppError, verdictOf } from "../../support/errors.ts"
import { count } from "../../support/text.ts"

/** Something that a person named is not there; the hint names what is. */
export class NotThere extends AppError {
  constructor(message: string, hint: string) {
    super(message, { verdict: "missing", hint })
  }
}

/** Something is there, and is not what it should be. */
export class Damaged extends AppError {}

/** Somebody else writes, or wrote that nobody should. */
export class Refused extends AppError {}

/** So many of those that are there are named. */
const NAMED = 3

/**
 * What to tell of an error: where something does not exist, what does instead. Anything else is returned as it is.
 * @param metadata of the series, where it has any
 */
export async function explained(
  error: unknown,
  place: SeriesPlace,
  store: ObjectSource,
  metadata: SeriesMetadata | undefined,
  signal: AbortSignal,
): Promise<unknown> {
  if (error instanceof CODObjectNotFoundError) {
    // Who may read but not list cannot be told what else there is.
    return await noSuchSeries(place, store, signal).catch((cause) =>
      cause instanceof AccessDenied ? error : cause,
    )
  }
  const hint = refusalHint(error, seriesUri(place))
  if (hint !== undefined) return new Refused((error as AppError).message, { verdict: verdictOf(error), hint })
  if (error instanceof InstanceNotFoundError && metadata !== undefined) {
    return noSuchInstance(place, String(error.facts.asked), metadata)
  }
  if (error instanceof InvalidMetadata || error instanceof CorruptInstanceError) return damaged(error, place)
  if (error instanceof FrameNotFoundError) return new NotThere(error.message, frameHint(error))
  return error
}

async function noSuchSeries(place: SeriesPlace, store: ObjectSource, signal: AbortSignal): Promise<NotThere> {
  const { datastore, studyUid, seriesUid } = place
  const message = `there is no series at ${seriesUri(place)}`
  const others: string[] = []
  for await (const { place: other, objects } of listSeries({ datastore, studyUid, store }, signal)) {
    if (other.seriesUid === seriesUid) {
      const found = [...objects.keys()].toSorted().join(", ")
      const what = `${message}: it has ${found}, but no metadata.json`
      return new NotThere(what, await withoutMetadata(place, store, objects.has("tar"), signal))
    }
    others.push(other.seriesUid)
    if (others.length > MOST_COMPARED) break
  }
  if (others.length > 0) return new NotThere(message, `The study has ${named(others, seriesUid)}.`)
  return new NotThere(
    message,
    `There is nothing of study ${studyUid} either; bun scripts/cod.ts ls ${datastore} lists what there is.`,
  )
}

async function withoutMetadata(
  place: SeriesPlace,
  store: ObjectSource,
  hasTar: boolean,
  signal: AbortSignal,
): Promise<string> {
  const [lock] = await findLocks(store, place, signal)
  if (lock !== undefined) return lockHint(lock, seriesUri(place))
  if (!hasTar) return "Without its tar, too, there is nothing to be read."
  const repair = `bun scripts/cod.ts repair ${seriesUri(place)}`
  return `The DICOM files are in the tar: ${repair} makes the metadata from them.`
}

/** Looking at more would take longer than it helps. */
const MOST_COMPARED = 1000

function noSuchInstance(place: SeriesPlace, key: string, metadata: SeriesMetadata): NotThere {
  const keys = [...metadata.instances.keys()]
  const message = `${seriesUri(place)} has no instance with the key ${JSON.stringify(key)}`
  if (keys.length === 0) return new NotThere(message, "It has no instances at all.")
  const hashed = metadata.hashedUids ? "Its keys are hashed UIDs. " : ""
  return new NotThere(message, `${hashed}It has ${named(keys, key)}.`)
}

/** What to do when it is somebody else that keeps a series from being written. */
function refusalHint(error: unknown, uri: string): string | undefined {
  if (error instanceof LockAcquisitionError) {
    return error.lock === undefined ? "Try again." : lockHint(error.lock, uri)
  }
  if (error instanceof LockVerificationError) {
    return `bun scripts/cod.ts info ${uri} tells which locks there are, and whose.`
  }
  if (error instanceof ErrorLogExistsError) {
    return `bun scripts/cod.ts error-log ${uri} tells why; the same with --clear lets it be written again.`
  }
  return undefined
}

function lockHint({ holder, generation }: FoundLock, uri: string): string {
  const advice =
    holder?.hasEnded === true
      ? "Its holder has ended, unless it was handed on"
      : "Wait until it is released. If nobody works on the series any more"
  return `${advice}: bun scripts/cod.ts unlock ${uri} --generation ${generation} --why TEXT`
}

function damaged(error: InvalidMetadata | CorruptInstanceError, place: SeriesPlace): Damaged {
  const uri = seriesUri(place)
  const { key } = error.facts
  const where = key === undefined ? `${uri}/metadata.json` : `${uri}#${key}`
  return new Damaged(`${where}: ${problemOf(error, uri, String(key))}`, {
    verdict: error.verdict,
    hint: `bun scripts/cod.ts check ${uri} tells what else is damaged, and what to do.`,
  })
}

/** What an error says beside the series and the key that the reader of it sees anyway. */
export function problemOf({ message }: Error, uri: string, key: string): string {
  return message.replace(`${uri}: `, "").replace(`instance ${key}: `, "")
}

function frameHint({ facts }: FrameNotFoundError): string {
  return facts.frames === 0 ? "It has no pixel data." : `Frames count from 1 to ${facts.frames}.`
}

/** Some of them, the most similar first, and how many more there are. */
function named(all: readonly string[], asked: string): string {
  const byLikeness = all.toSorted((a, b) => likeness(b, asked) - likeness(a, asked))
  const shown = byLikeness.slice(0, NAMED).join(", ")
  const more = all.length - NAMED
  return more > 0 ? `${shown} and ${count(more)} more` : shown
}

/** How many characters two texts share at their beginnings and at their ends: a typo leaves most of them. */
function likeness(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  let head = 0
  while (head < shorter && a[head] === b[head]) head++
  let tail = 0
  while (tail < shorter - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++
  return head + tail
}
