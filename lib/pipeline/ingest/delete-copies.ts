import { type CODObject, seriesUri, withCODObject } from "../../cod/index.ts"
import { claimSeries, releaseSeries, type SeriesClaim } from "../../ledger/cod/claims.ts"
import { copiesOf, recordDeleting, seriesWithCopies, settleDeleting } from "../../ledger/cod/copies.ts"
import type { FileOfSeries } from "../../ledger/cod/instances.ts"
import type { LedgerSeries } from "../../ledger/cod/series.ts"
import { ClaimLost } from "../../ledger/errors.ts"
import { AppError, describeError, verdictOf } from "../../support/errors.ts"
import { acquireUnless, forEachLimit } from "../../support/pool.ts"
import type { Stop } from "../../support/stop.ts"
import { keepClaims } from "../keep-claims.ts"
import { objectKey } from "../layout.ts"
import type { IngestDeps } from "./deps.ts"
import { lockJournal } from "./lock-journal.ts"
import { renewReceipts } from "./renew-receipts.ts"
import { keyOf, placeOf } from "./series-place.ts"
import { settleDeletions } from "./settle-deletions.ts"
import { settleLock } from "./settle-locks.ts"

export interface DeleteCopiesOptions {
  /** Only copies of these studies. */
  readonly studyIds?: readonly string[]
}

export interface DeletedCopies {
  /** Series that were looked through. */
  readonly series: number
  readonly deleted: number
  readonly bytes: number
  /** Were not there. */
  readonly missing: number
  readonly kept: readonly { readonly key: string; readonly why: string }[]
  readonly failed: readonly { readonly series: string; readonly error: string }[]
  /** Series that another run works on. */
  readonly held_by_others: number
  /** Receipts that were written again. */
  readonly receipts: number
}

type Growing = { -readonly [K in keyof DeletedCopies]: DeletedCopies[K] } & {
  readonly kept: { key: string; why: string }[]
  readonly failed: { series: string; error: string }[]
}

/** More than are packed at a time wait for their turn. */
const SERIES_IN_FLIGHT = 8

/**
 * Deletes the raw copies of files that are packed. Series by series, under its lock: everything in it is read and found
 * sound, and a copy goes only when it is byte for byte what the series has. A series of which a file is in conflict or
 * error keeps all of its copies.
 * @throws what ends the run
 */
export async function deleteCopies(
  deps: IngestDeps,
  { studyIds = [] }: DeleteCopiesOptions,
  stop: Stop,
): Promise<DeletedCopies> {
  const { ledger } = deps
  const report = emptyReport()
  using heartbeat = keepClaims(deps)
  const forced = AbortSignal.any([stop.forced, heartbeat.lost])
  await settleDeletions(deps, forced)
  const deleteOne = async (series: LedgerSeries, signal: AbortSignal) => {
    using place = await acquireUnless(deps.packing, stop.requested)
    if (place !== undefined) await deleteOfSeries(deps, series, studyIds, report, signal)
  }
  await forEachLimit(seriesWithCopies(ledger, studyIds), SERIES_IN_FLIGHT, deleteOne, forced)
  report.receipts = await renewReceipts(deps, { requested: stop.requested, forced })
  return report
}

/** What protects a series that was stored by half stays until that is finished. */
class Unfinished extends AppError {}

function emptyReport(): Growing {
  return {
    series: 0,
    deleted: 0,
    bytes: 0,
    missing: 0,
    kept: [],
    failed: [],
    held_by_others: 0,
    receipts: 0,
  }
}

function count(report: Growing, deleted: readonly FileOfSeries[]) {
  report.series += 1
  report.deleted += deleted.length
  report.bytes += deleted.reduce((sum, { size }) => sum + size, 0)
}

async function deleteOfSeries(
  deps: IngestDeps,
  series: LedgerSeries,
  studyIds: readonly string[],
  report: Growing,
  signal: AbortSignal,
) {
  const { ledger, commits, runId } = deps
  const claim = await commits.add(() => claimSeries(ledger, runId, series.seriesNo))
  if (claim === undefined) {
    report.held_by_others += 1
    return
  }
  try {
    await deleteClaimed(deps, series, claim, studyIds, report, signal)
  } catch (error) {
    if (signal.aborted || verdictOf(error) === "stop") throw error
    const { class: name, message } = describeError(error)
    report.failed.push({ series: seriesUri(placeOf(deps, series)), error: `${name}: ${message}` })
    if (!(error instanceof ClaimLost)) await settleDeletions(deps, signal, claim)
  } finally {
    await commits.add(() => releaseSeries(ledger, claim))
  }
}

async function deleteClaimed(
  deps: IngestDeps,
  series: LedgerSeries,
  claim: SeriesClaim,
  studyIds: readonly string[],
  report: Growing,
  signal: AbortSignal,
) {
  const { ledger, datastore, uidHashFunc, lockNames, log } = deps
  // Another run may have been faster.
  const files = copiesOf(ledger, series.seriesNo, studyIds)
  if (files.length === 0) return
  const { serialized } = await settleLock(deps, claim, series, signal)
  if (serialized !== undefined) throw new Unfinished("an earlier run stored it by half", { verdict: "retry" })
  const opened = {
    ...placeOf(deps, series),
    store: datastore,
    lock: true,
    createIfMissing: false,
    hashedUids: uidHashFunc !== undefined,
    uidHashFunc,
    lockNames,
    journal: lockJournal(deps, claim),
  }
  const work = (cod: CODObject) => deleteLocked(deps, claim, cod, files, report, signal)
  // Nothing is written: whatever fails leaves the series what it was.
  await withCODObject(opened, work, { log, leaveHanging: () => false, signal })
}

async function deleteLocked(
  deps: IngestDeps,
  claim: SeriesClaim,
  cod: CODObject,
  files: readonly FileOfSeries[],
  report: Growing,
  signal: AbortSignal,
) {
  const { ledger, commits, destination } = deps
  const { instances } = await cod.getMetadata(signal)
  const uriOf = (file: FileOfSeries) => `${destination.uri}/${objectKey(file, file.path)}`
  const isThere = ({ instanceUid, size, crc32c }: FileOfSeries) => {
    const entry = instances.get(keyOf(deps, instanceUid))
    return entry?.kind === "instance" && entry.size === size && entry.crc32c === crc32c
  }
  const dependencies = new Map<string, string[]>()
  for (const file of files.filter(isThere)) {
    const key = keyOf(deps, file.instanceUid)
    dependencies.set(key, [...(dependencies.get(key) ?? []), uriOf(file)])
  }
  await commits.add(() => recordDeleting(ledger, claim, files.filter(isThere)))
  const storeOf = () => destination
  const { deleted, missing, kept } = await cod.deleteDependencies({ dependencies, storeOf }, signal)
  const why = new Map(kept.map(({ uri, why }) => [uri, why]))
  const gone = new Set([...deleted, ...missing])
  await commits.add((tally) => {
    for (const file of files) settleDeleting(ledger, tally, file, gone.has(uriOf(file)) ? "gone" : "stands")
  })
  const wasDeleted = new Set(deleted)
  count(
    report,
    files.filter((file) => wasDeleted.has(uriOf(file))),
  )
  report.missing += missing.length
  for (const file of files.filter((file) => !gone.has(uriOf(file)))) {
    const reason = why.get(uriOf(file)) ?? "it is not in its series any more: run verify"
    report.kept.push({ key: objectKey(file, file.path), why: reason })
  }
}
