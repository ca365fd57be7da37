import { abortReason } from "../../storage/failures.ts"
import { TarDisagreesError } from "../errors.ts"
import { InvalidUid, TooLarge } from "../format/errors.ts"
import { isRemote, type SeriesPlace } from "../format/layout.ts"
import { changeInstance } from "../format/metadata/instance-text.ts"
import type { InstanceRecord } from "../format/metadata/types.ts"
import { isPathSegment, requireUid, uidFault } from "../format/uid.ts"
import type { Instance } from "../instance.ts"
import type { WholeFile } from "../reading/facts.ts"
import { type Draft, snapshotOf } from "./draft.ts"
import type { Holding } from "./holding.ts"
import { keyWithin, TRUSTING } from "./membership.ts"
import { type Destination, isoTime, packInstance } from "./pack.ts"
import { filePiece } from "./pieces.ts"
import { isStoredTranscoded } from "./transcoded.ts"

export interface AppendOptions {
  /** Whether an instance of the same UID and the same pixels counts as the same, whatever its other elements say (false). */
  readonly treatMetadataDiffsAsSame?: boolean
  /** Bytes that one instance may have (10 GiB). */
  readonly maxInstanceBytes?: number
  /** Bytes that all instances of the series may have together (100 GiB). */
  readonly maxSeriesBytes?: number
}

/** What became of instances that were handed in: each is in one of the lists, once. */
export interface AppendResult {
  readonly new: readonly Instance[]
  /** There already, byte for byte unless `transcoded` has it too. */
  readonly same: readonly Instance[]
  /**
   * Those of `same` that are stored with their pixels encoded anew without loss (JPEG 2000), as the Python package does: every
   * sample and all other elements are the same. Left out where there are none.
   */
  readonly transcoded?: readonly Instance[]
  /** There already with other bytes, which stay; where these came from is in the metadata's `diff_hash_dupe_paths`. */
  readonly conflict: readonly Instance[]
  readonly errors: readonly { readonly instance: Instance; readonly error: unknown }[]
}

/** What an append needs of the series that it changes. */
export interface AppendTo {
  readonly draft: Draft
  readonly place: SeriesPlace
  readonly holding: Holding
  now(): Date
  /** Where the next member of the tar would go. */
  position(signal?: AbortSignal): Promise<number>
  /** It went there. */
  placed(record: InstanceRecord): void
  /** An instance that is in the series. */
  storedInstance(key: string, signal?: AbortSignal): Promise<Instance>
}

const GIB = 2 ** 30

/**
 * Takes instances into a draft, one after the other, so that the second of two with one UID meets the first. What fails is
 * told with its error, and does not keep the others out.
 * @throws TooLarge when the series would become too large, TarDisagreesError: nothing was changed then; Aborted
 */
export async function appendTo(
  to: AppendTo,
  instances: readonly Instance[],
  options: AppendOptions = {},
  signal?: AbortSignal,
): Promise<AppendResult> {
  const result = { new: [], same: [], conflict: [], errors: [] } as {
    -readonly [List in Outcome | "errors"]: AppendResult[List][number][]
  }
  const transcoded: Instance[] = []
  const restore = snapshotOf(to.draft)
  const room = roomIn(to.draft, options)
  for (const [n, instance] of instances.entries()) {
    try {
      if (signal?.aborted === true) throw abortReason(signal)
      // On its way while this one is packed.
      instances[n + 1]?.expectWhole(signal)
      const outcome = await appendOne(to, instance, room, options, signal)
      if (outcome === "transcoded") transcoded.push(instance)
      result[outcome === "transcoded" ? "same" : outcome].push(instance)
    } catch (error) {
      if (isOfSeries(error) || signal?.aborted === true) {
        restore()
        throw error
      }
      result.errors.push({ instance, error })
    }
  }
  return transcoded.length === 0 ? result : { ...result, transcoded }
}

/** The series, not one instance of it. */
class SeriesTooLarge extends TooLarge {}

function isOfSeries(error: unknown): boolean {
  return error instanceof SeriesTooLarge || error instanceof TarDisagreesError
}

/** What may still be added to a series. */
interface Room {
  /** @throws SeriesTooLarge */
  take(bytes: number): void
}

function roomIn({ instances, seriesUid }: Draft, { maxSeriesBytes = 100 * GIB }: AppendOptions): Room {
  const sizes = instances.values().map((entry) => (entry.kind === "instance" ? entry.size : 0))
  let taken = sizes.reduce((sum, size) => sum + size, 0)
  return {
    take(bytes) {
      taken += bytes
      if (taken > maxSeriesBytes) throw new SeriesTooLarge(`the series ${seriesUid}`, maxSeriesBytes)
    },
  }
}

type Outcome = "new" | "same" | "conflict"

/** One after the other: of the temporary files that reading them makes there is one at a time. */
async function appendOne(
  to: AppendTo,
  instance: Instance,
  room: Room,
  options: AppendOptions,
  signal?: AbortSignal,
): Promise<Outcome | "transcoded"> {
  const wasFetched = instance.isMoved
  const dropFetched = async () => {
    if (!wasFetched && instance.isMoved) await instance.cleanup()
  }
  try {
    return await judge(to, instance, { room, dropFetched, ...options }, signal)
  } finally {
    await dropFetched()
  }
}

interface Terms extends AppendOptions {
  readonly room: Room
  /** Deletes the temporary file into which the instance was fetched meanwhile. */
  dropFetched(): Promise<void>
}

async function judge(
  to: AppendTo,
  instance: Instance,
  terms: Terms,
  signal?: AbortSignal,
): Promise<Outcome | "transcoded"> {
  refuseTooLarge(instance, instance.hints.size ?? 0, terms)
  // Of a file of which nothing is known everything is read at once: it will be needed if the instance is new.
  const whole = instance.isKnown ? undefined : await instance.readWhole(signal)
  refuseTooLarge(instance, await instance.size(TRUSTING, signal), terms)
  const key = await keyWithin(to.draft, instance, signal)
  const known = to.draft.instances.get(key)
  if (known === undefined) return await addNew(to, instance, key, { ...terms, whole }, signal)
  if (known.kind === "unreadable") throw known.problem
  if ((await instance.crc32c(TRUSTING, signal)) === known.crc32c) return "same"
  // A hint that was wrong must not leave a trace.
  if ((await instance.crc32c({}, signal)) === known.crc32c) return "same"
  if (terms.treatMetadataDiffsAsSame === true && (await hasSamePixels(to, instance, known, signal)))
    return "same"
  if (await isStoredTranscoded(known, instance, to.storedInstance, signal)) return "transcoded"
  noteConflict(to, instance, known)
  return "conflict"
}

function refuseTooLarge(
  { originalPath }: Instance,
  size: number,
  { maxInstanceBytes = 10 * GIB }: AppendOptions,
): void {
  if (size > maxInstanceBytes) throw new TooLarge(`the instance ${originalPath}`, maxInstanceBytes)
}

async function addNew(
  to: AppendTo,
  instance: Instance,
  key: string,
  { room, dropFetched, whole }: Terms & { readonly whole: WholeFile | undefined },
  signal?: AbortSignal,
): Promise<"new"> {
  const { draft, place, holding } = to
  if (!isPathSegment(key)) {
    throw new InvalidUid(`${JSON.stringify(key.slice(0, 80))} cannot be the name of an instance`, {
      facts: { uri: instance.originalPath },
    })
  }
  // A real UID that is none is stored as it is, for archives hold many; one that is too long would be cut by others.
  if (!draft.hashedUids && uidFault(key) === "length") requireUid(key)
  const destination: Destination = { place, key, position: await to.position(signal), now: to.now() }
  const { record, bytes } = await packInstance(instance, destination, whole, signal)
  room.take(record.size)
  await dropFetched()
  const { localCopy } = instance
  const data =
    localCopy === undefined
      ? await holding.hold(bytes, record.crc32c, signal)
      : filePiece(localCopy, record.size, record.crc32c)
  to.placed(record)
  draft.instances.set(key, record)
  draft.added.set(key, data)
  draft.changed.tar = true
  draft.changed.metadata = true
  return "new"
}

async function hasSamePixels(
  { storedInstance }: AppendTo,
  instance: Instance,
  known: InstanceRecord,
  signal?: AbortSignal,
): Promise<boolean> {
  if (!known.hasPixeldata) return false
  const hash = await instance.pixeldataHash(signal)
  return (
    hash !== undefined && hash === (await (await storedInstance(known.key, signal)).pixeldataHash(signal))
  )
}

/** Local paths mean nothing to others and are not kept. */
function noteConflict({ draft, now }: AppendTo, { originalPath }: Instance, known: InstanceRecord): void {
  const { key, diffHashDupePaths } = known
  if (!isRemote(originalPath) || diffHashDupePaths.includes(originalPath)) return
  const changes = {
    diffHashDupePaths: [...diffHashDupePaths, originalPath],
    modifiedDatetime: isoTime(now()),
  }
  draft.instances.set(key, changeInstance(known, changes))
  draft.changed.metadata = true
}
