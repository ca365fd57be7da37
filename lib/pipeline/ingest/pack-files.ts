import { type IngestResult, Instance, ingest, type ThumbnailEnd, tarRecordOf } from "../../cod/index.ts"
import type { SeriesClaim } from "../../ledger/cod/claims.ts"
import {
  type FileOfSeries,
  type InstanceResult,
  type PackedFile,
  recordPacked,
} from "../../ledger/cod/instances.ts"
import type { LedgerSeries } from "../../ledger/cod/series.ts"
import type { ThumbnailRecord } from "../../ledger/cod/thumbnails.ts"
import { describeError, verdictOf } from "../../support/errors.ts"
import { objectKey } from "../layout.ts"
import type { IngestDeps } from "./deps.ts"
import { lockJournal } from "./lock-journal.ts"
import { queueLost } from "./lost-files.ts"
import type { SeriesEnd } from "./series-end.ts"
import { leaveHanging, passes } from "./series-failure.ts"
import { keyOf, placeOf } from "./series-place.ts"
import type { Unfinished } from "./settle-locks.ts"

/** A claimed series, and what is to be packed into it. */
export interface Packing {
  readonly series: LedgerSeries
  readonly claim: SeriesClaim
  readonly files: readonly FileOfSeries[]
  readonly unfinished: Unfinished
}

/**
 * Packs these files with a thumbnail of all, records what became of each, and looks whether all is there that was packed
 * before: appending has read the metadata anyway.
 * @throws what the series as a whole fails with
 */
export async function packFiles(
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
      thumbnail: deps.thumbnails,
      ...unfinished,
      log: deps.log,
      signal,
    })
    const packed = endsOf(deps, result, instances)
    const thumbnail = thumbnailOf(deps, series, result)
    const wasLost = await commits.add((tally) => {
      recordPacked(ledger, tally, claim, {
        tarGeneration: result.stored && tarRecordOf({ place }, result.stored.series)?.generation,
        metadataGeneration: result.stored?.generation,
        files: packed,
        thumbnail,
      })
      return result.stored !== undefined && queueLost(deps, tally, series, result.stored.series)
    })
    const drawn = result.thumbnail?.outcome
    return { outcome: "packed", files: packed, errors: errorsOf(files, packed), wasLost, thumbnail: drawn }
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

/** What the ledger is told of the thumbnail; undefined leaves it as it was. */
function thumbnailOf(
  { log }: IngestDeps,
  { seriesUid }: LedgerSeries,
  { thumbnail, new: added }: IngestResult,
): ThumbnailRecord | undefined {
  if (thumbnail === undefined) return added.length > 0 ? { state: null } : undefined
  tellBlack(log, seriesUid, thumbnail)
  switch (thumbnail.outcome) {
    case "made":
    case "kept":
      return { state: "made" }
    case "nothing to show":
      return { state: "nothing to show" }
    case "failed":
      log.warn({ err: thumbnail.error, series: seriesUid }, "the series is packed without a thumbnail")
      return thumbnailFailure(thumbnail.error)
  }
}

/** Some are told by name; a file may say of itself that it has any number of frames. */
const TOLD_BLACK = 3

function tellBlack(log: IngestDeps["log"], series: string, thumbnail: ThumbnailEnd) {
  if (thumbnail.outcome !== "made") return
  const undecoded = thumbnail.black.filter(({ error }) => error !== undefined)
  const [first] = undecoded
  if (first === undefined) return
  const told = undecoded.slice(0, TOLD_BLACK).map(({ key, frame }) => `${key} frame ${frame + 1}`)
  const facts = { err: first.error, series, frames: undecoded.length, first: told }
  log.warn(facts, "frames that cannot be decoded are black in the thumbnail")
}

/** What passes by itself is tried again by the next run; the rest waits for somebody who mends its cause. */
export function thumbnailFailure(error: unknown): ThumbnailRecord {
  if (passes(error)) return { state: "due" }
  const { class: errorClass, message: errorMessage } = describeError(error)
  return { state: "failed", errorClass, errorMessage }
}

function errorsOf(files: readonly FileOfSeries[], packed: readonly PackedFile[]): string[] {
  return packed.flatMap(({ studyId, position, failure }) => {
    if (failure === undefined) return []
    const file = files.find((one) => one.studyId === studyId && one.position === position)!
    return [`${file.path}: ${failure.errorClass}: ${failure.errorMessage}`]
  })
}
