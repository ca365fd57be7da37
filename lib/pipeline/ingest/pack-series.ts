import {
  type IngestResult,
  Instance,
  ingest,
  LockAcquisitionError,
  StoredDiffersError,
  TarDisagreesError,
  TooLarge,
  tarRecordOf,
} from "../../cod/index.ts"
import { claimSeries, releaseSeries, type SeriesClaim } from "../../ledger/cod/claims.ts"
import {
  type FileOfSeries,
  filesToPack,
  type InstanceResult,
  type PackedFile,
  recordPacked,
} from "../../ledger/cod/instances.ts"
import { openLocks, recordLockHanging } from "../../ledger/cod/locks.ts"
import { type LedgerSeries, recordSeriesFailure } from "../../ledger/cod/series.ts"
import { ClaimLost } from "../../ledger/errors.ts"
import { describeError, verdictOf } from "../../support/errors.ts"
import { objectKey } from "../layout.ts"
import type { IngestDeps } from "./deps.ts"
import { lockJournal } from "./lock-journal.ts"
import { queueLost } from "./lost-files.ts"
import { keyOf, placeOf } from "./series-place.ts"
import { settleLock, type Unfinished } from "./settle-locks.ts"

/** What became of one series. */
export interface SeriesEnd {
  readonly outcome: "packed" | "failed" | "held by another run"
  readonly files: readonly PackedFile[]
  /** What failed, in words for people. */
  readonly errors: readonly string[]
  /** Whether somebody else had overwritten what was packed before. */
  readonly wasLost?: boolean
}

/**
 * Packs what a study has for a series: claims the series, ends what a crash left of it, appends the files to its tar, and
 * records what became of each. A failure of the series is part of the result; what is thrown ends the run.
 */
export async function packSeries(
  deps: IngestDeps,
  series: LedgerSeries,
  studyId: string,
  signal?: AbortSignal,
): Promise<SeriesEnd> {
  const { ledger, commits, runId } = deps
  const claim = await commits.add(() => claimSeries(ledger, runId, series.seriesNo))
  if (claim === undefined) return { outcome: "held by another run", files: [], errors: [] }
  try {
    return await packClaimed(deps, series, studyId, claim, signal)
  } catch (error) {
    return await failed(deps, { series, claim, error }, signal)
  } finally {
    await commits.add(() => releaseSeries(ledger, claim))
  }
}

async function packClaimed(
  deps: IngestDeps,
  series: LedgerSeries,
  studyId: string,
  claim: SeriesClaim,
  signal?: AbortSignal,
): Promise<SeriesEnd> {
  const { ledger, log } = deps
  const { seriesNo, seriesUid } = series
  const unfinished = await settleLock(deps, claim, series, signal)
  // What a crash cut off may have been of another study: it is finished as a whole.
  const files = filesToPack(ledger, seriesNo, unfinished.afterCrash ? undefined : studyId)
  const packed = await packFiles(deps, { series, claim, files, unfinished }, signal)
  if (packed.wasLost !== true) return packed
  log.warn(
    { series: seriesUid },
    "somebody has overwritten the series since it was packed: it is packed again",
  )
  const all = { series, claim, files: filesToPack(ledger, seriesNo), unfinished: { afterCrash: false } }
  const again = await packFiles(deps, all, signal)
  return {
    ...again,
    files: [...packed.files, ...again.files.filter(({ result }) => result === "new")],
    wasLost: true,
  }
}

interface Packing {
  readonly series: LedgerSeries
  readonly claim: SeriesClaim
  readonly files: readonly FileOfSeries[]
  readonly unfinished: Unfinished
}

/** Packs these files, and looks whether all is there that was packed before: appending has read the metadata anyway. */
async function packFiles(
  deps: IngestDeps,
  { series, claim, files, unfinished }: Packing,
  signal?: AbortSignal,
): Promise<SeriesEnd> {
  const { ledger, commits } = deps
  const place = placeOf(deps, series)
  // Before they are closed the series is stored: it is packed from them.
  using held = new DisposableStack()
  const localCopyOf = (file: FileOfSeries) => {
    const kept = deps.kept?.use(file, file.crc32c)
    return kept && held.use(kept).path
  }
  const instances = new Map(files.map((file) => [instanceOf(deps, series, file, localCopyOf(file)), file]))
  try {
    const result = await ingest([...instances.keys()], {
      ...place,
      store: deps.datastore,
      hashedUids: deps.uidHashFunc !== undefined,
      uidHashFunc: deps.uidHashFunc,
      lockNames: deps.lockNames,
      metadataVersion: deps.metadataVersion,
      journal: lockJournal(deps, claim),
      leaveHanging,
      lookFirst: series.packedAt !== null,
      ...unfinished,
      log: deps.log,
      signal,
    })
    const packed = endsOf(deps, result, instances)
    const wasLost = await commits.add((tally) => {
      recordPacked(ledger, tally, claim, {
        tarGeneration: result.stored && tarRecordOf({ place }, result.stored.series)?.generation,
        metadataGeneration: result.stored?.generation,
        files: packed,
      })
      return result.stored !== undefined && queueLost(deps, tally, series, result.stored.series)
    })
    return { outcome: "packed", files: packed, errors: errorsOf(files, packed), wasLost }
  } finally {
    for (const instance of instances.keys()) await instance.cleanup()
  }
}

function instanceOf(
  deps: IngestDeps,
  { studyUid, seriesUid }: LedgerSeries,
  file: FileOfSeries,
  localCopy: string | undefined,
): Instance {
  const { size, crc32c, instanceUid } = file
  const uri = `${deps.destination.uri}/${objectKey(file, file.path)}`
  return new Instance({
    dicomUri: uri,
    store: deps.destination,
    localCopy,
    dependencies: file.copyDeletedAt === null ? [uri] : [],
    hints: { size, crc32c, instanceUid, seriesUid, studyUid },
    uidHashFunc: deps.uidHashFunc,
  })
}

/**
 * A lock is left standing only for what a person has to look at before anybody writes the series again: what we wrote is
 * not what stands there, tar and metadata disagree, or the series is too large for one more file.
 */
function leaveHanging(error: unknown): boolean {
  return (
    error instanceof StoredDiffersError || error instanceof TarDisagreesError || error instanceof TooLarge
  )
}

function endsOf(
  deps: IngestDeps,
  result: IngestResult,
  files: ReadonlyMap<Instance, FileOfSeries>,
): PackedFile[] {
  const ends: [Instance, InstanceResult, unknown?][] = [
    ...result.new.map((instance): [Instance, InstanceResult] => [instance, "new"]),
    ...result.same.map((instance): [Instance, InstanceResult] => [instance, "same"]),
    ...result.conflict.map((instance): [Instance, InstanceResult] => [instance, "conflict"]),
    ...result.errors.map(({ instance, error }): [Instance, InstanceResult, unknown] => [
      instance,
      "error",
      error,
    ]),
  ]
  return ends.map(([instance, end, error]) => {
    const { studyId, position, crc32c, instanceUid } = files.get(instance)!
    const entry = result.stored?.series.instances.get(keyOf(deps, instanceUid))
    const startByte = entry?.kind === "instance" ? entry.startByte : undefined
    return { studyId, position, crc32c, result: end, startByte, failure: failureOf(end, error) }
  })
}

function failureOf(result: InstanceResult, error: unknown): PackedFile["failure"] {
  if (result === "conflict") {
    return {
      verdict: "give-up",
      errorClass: "InstanceConflict",
      errorMessage: "the series has other bytes under the same SOP Instance UID, and keeps them",
    }
  }
  if (result !== "error") return undefined
  if (verdictOf(error) === "stop") throw error
  const { class: errorClass, message: errorMessage } = describeError(error)
  return { verdict: verdictOf(error) === "give-up" ? "give-up" : "retry", errorClass, errorMessage }
}

function errorsOf(files: readonly FileOfSeries[], packed: readonly PackedFile[]): string[] {
  return packed.flatMap(({ studyId, position, failure }) => {
    if (failure === undefined) return []
    const file = files.find((one) => one.studyId === studyId && one.position === position)!
    return [`${file.path}: ${failure.errorClass}: ${failure.errorMessage}`]
  })
}

interface Failure {
  readonly series: LedgerSeries
  readonly claim: SeriesClaim
  readonly error: unknown
}

/** @throws what ends the run */
async function failed(
  { ledger, commits }: IngestDeps,
  { series, claim, error }: Failure,
  signal?: AbortSignal,
): Promise<SeriesEnd> {
  if (signal?.aborted === true || verdictOf(error) === "stop") throw error
  const { class: errorClass, message: errorMessage } = describeError(error)
  const end: SeriesEnd = {
    outcome: "failed",
    files: [],
    errors: [`series ${series.seriesUid}: ${errorClass}: ${errorMessage}`],
  }
  if (error instanceof ClaimLost) return end
  const hangs = leaveHanging(error)
  const verdict = hangs || isForAPerson(error) ? "give-up" : "retry"
  await commits.add((tally) => {
    const [lock] = openLocks(ledger, claim.seriesNo)
    if (hangs && lock !== undefined) recordLockHanging(ledger, lock.token, `${errorClass}: ${errorMessage}`)
    recordSeriesFailure(ledger, tally, claim, { verdict, errorClass, errorMessage })
  })
  return end
}

/** Whoever holds the lock lets go of it some time, and what could not be reached can be later. */
function isForAPerson(error: unknown): boolean {
  return verdictOf(error) === "give-up" && !(error instanceof LockAcquisitionError)
}
