import { existsSync, linkSync, rmSync } from "node:fs"
import { uidHashFingerprint, uidHashFunc } from "../../cod/index.ts"
import { type PinnedDatastore, pinDatastore } from "../../ledger/cod/datastore.ts"
import { completeCohort, recordCohort } from "../../ledger/cohorts.ts"
import { groupCommit } from "../../ledger/group-commit.ts"
import { type Ledger, openLedger } from "../../ledger/open.ts"
import { endRun, startRun } from "../../ledger/runs.ts"
import type { ObjectInfo, ObjectSource } from "../../storage/store.ts"
import { UsageError } from "../../support/errors.ts"
import { thisProcess } from "../../support/owner.ts"
import { forEachLimit } from "../../support/pool.ts"
import type { Progress } from "../../support/progress.ts"
import type { Stop } from "../../support/stop.ts"
import { VERSION } from "../../support/version.ts"
import { writeBackWal } from "../../support/wal.ts"
import { rebuildSeries, type Unusable } from "../ingest/rebuild-series.ts"
import type { PlacesOfUids } from "../ingest/series-place.ts"
import { seriesPlaces } from "../ingest/series-places.ts"
import { RECEIPTS_FOLDER, receiptKey } from "../layout.ts"
import { type ReceiptSeries, readReceipt, uriOrNull } from "../receipts/receipt-document.ts"
import { recordReceipted, type UsableReceipt, usableReceipt } from "./rebuild-study.ts"

export interface RebuildOptions {
  /** Of the new ledger; nothing may stand there. */
  readonly path: string
  /** The words of the script, for its run. */
  readonly words: readonly string[]
  /** Reads and tells, and leaves no file. */
  readonly dryRun?: boolean
}

export interface RebuildReport {
  readonly ledger: string
  readonly studies: number
  readonly objects: number
  readonly bytes: number
  /** Series that are packed. */
  readonly series: number
  /** What stands among the receipts, or the series that they name, and could not be used. */
  readonly unusable: readonly Unusable[]
}

export interface RebuildDeps {
  readonly destination: ObjectSource
  readonly datastore: ObjectSource
  /** Of hashed UIDs, where series were packed with one. */
  readonly uidHashKey: string | undefined
  readonly progress: Progress
}

/** Receipts on their way at a time. */
const READS_IN_FLIGHT = 16

/** Some hundred thousand objects; what is larger is no receipt. */
const MAX_RECEIPT_BYTES = 64 << 20

/**
 * Makes a new ledger of the receipts at the destination, for when the old one is lost. What the receipts do not tell
 * (doctors, cohorts, retired objects, tries) is not in it; the next discovery plans the studies anew, and the copy finds
 * what is done unchanged. Of the series that they name the metadata tell what is packed. The file appears under its name
 * when it is whole.
 * @throws UsageError when something stands at the path, or the receipts name series elsewhere
 */
export async function rebuildLedger(
  deps: RebuildDeps,
  options: RebuildOptions,
  stop: Stop,
): Promise<RebuildReport> {
  const { path, dryRun = false } = options
  refuseExisting(path)
  const draft = `${path}.rebuilding-${crypto.randomUUID()}`
  try {
    const report = await rebuildInto(deps, draft, options, stop)
    if (!dryRun) publish(draft, path)
    return report
  } finally {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(draft + suffix, { force: true })
  }
}

/** @throws UsageError when the words ask for a comparison, too: there is no ledger to compare yet */
export function requireRebuildOnly(
  { rebuildLedger: _, ...others }: Readonly<Record<string, unknown>>,
  studyIds: readonly string[],
) {
  const isMore =
    studyIds.length > 0 || Object.values(others).some((value) => value !== undefined && value !== false)
  if (isMore)
    throw new UsageError("--rebuild-ledger goes with --dry-run and --json alone", "Verify afterwards.")
}

function refuseExisting(path: string) {
  if (!existsSync(path)) return
  throw new UsageError(`${path} is there already`, "Name a file that is not; then let LEDGER_PATH name it.")
}

/** @throws UsageError when another rebuild was faster */
function publish(draft: string, path: string) {
  try {
    linkSync(draft, path)
  } catch (error) {
    refuseExisting(path)
    throw error
  }
}

async function rebuildInto(
  deps: RebuildDeps,
  draft: string,
  { path, words, dryRun = false }: RebuildOptions,
  stop: Stop,
): Promise<RebuildReport> {
  const { destination, progress } = deps
  // Without a file yet, read-only is an empty one in memory.
  using ledger = openLedger(draft, { readonly: dryRun })
  const commits = groupCommit(ledger)
  const places = placesOf(deps)
  const named = namedSeries(places)
  const rebuild = { ...beginRebuild(ledger, destination, words), seriesOf: named.seriesOf }
  const report = { ledger: path, studies: 0, objects: 0, bytes: 0, series: 0, unusable: [] as Unusable[] }
  const readOne = async (info: ObjectInfo, signal: AbortSignal) => {
    const { key, generation } = info
    const receipt = await receiptAt(destination, info, signal)
    const isRecorded =
      typeof receipt !== "string" &&
      (await commits.add(() => recordReceipted(ledger, rebuild, receipt, generation)))
    if (isRecorded) {
      report.studies += 1
      report.objects += receipt.entries.length
      report.bytes += receipt.entries.reduce((sum, { size }) => sum + size, 0)
    } else {
      const reason = typeof receipt === "string" ? receipt : "another receipt of its study was read before"
      report.unusable.push({ key, reason })
    }
    progress.tick(1, key)
  }
  progress.start(0, "receipts")
  try {
    const receipts = destination.list(RECEIPTS_FOLDER, stop.requested)
    await forEachLimit(receipts, READS_IN_FLIGHT, readOne, stop.requested)
    report.unusable.push(...named.elsewhere())
    const { series, unusable } = await rebuildSeries(
      { ledger, commits, runId: rebuild.runId, destination, ...places },
      stop.requested,
    )
    report.series = series
    report.unusable.push(...unusable)
    if (series > 0) pinDatastore(ledger, pinOf(deps))
  } finally {
    progress.stop()
  }
  endRebuild(ledger, rebuild, report)
  return report
}

interface Rebuild {
  readonly runId: number
  readonly cohortId: number
}

function placesOf({ datastore, uidHashKey }: RebuildDeps) {
  return { datastore, uidHashFunc: uidHashKey === undefined ? undefined : uidHashFunc(uidHashKey) }
}

function pinOf({ datastore, uidHashKey }: RebuildDeps): PinnedDatastore {
  const uidHash = uidHashKey === undefined ? null : uidHashFingerprint(uidHashKey)
  return { uri: datastore.uri, uidHash }
}

/** Tells the series that lie where this configuration has them from those that receipts name elsewhere. */
function namedSeries(places: PlacesOfUids) {
  const expectedOf = seriesPlaces(places)
  const elsewhere = new Map<string, string>()
  let here = 0
  return {
    seriesOf({ study_uid: studyUid, series_uid: seriesUid, uri }: ReceiptSeries) {
      const expected = uriOrNull(expectedOf, { studyUid, seriesUid })
      if (uri === null || expected === null) return undefined
      if (uri === expected) here += 1
      else elsewhere.set(uri, expected)
      return uri === expected ? { studyUid, seriesUid } : undefined
    },
    /** @throws UsageError when all are */
    elsewhere(): Unusable[] {
      const [first] = elsewhere
      if (here === 0 && first !== undefined) {
        throw new UsageError(
          `the receipts name ${first[0]}, and by these settings it is ${first[1]}`,
          "Let COD_DATASTORE_URI and UID_HASH_KEY be what they were when the series were packed.",
        )
      }
      return [...elsewhere.keys()].map((key) => ({ key, reason: "not where these settings have it" }))
    },
  }
}

/** Its studies are of a cohort without doctors, until a discovery has made one. */
function beginRebuild(ledger: Ledger, { uri }: ObjectSource, words: readonly string[]): Rebuild {
  const run = { script: "verify", arguments: words, version: VERSION, owner: thisProcess() }
  const runId = startRun(ledger, run)
  const cohortId = recordCohort(ledger, {
    runId,
    rulesText: "None: the ledger was rebuilt from the receipts at the destination.",
    parameters: { rebuilt_from: uri },
    ranking: [],
    funnel: [],
  })
  return { runId, cohortId }
}

function endRebuild(ledger: Ledger, { runId, cohortId }: Rebuild, report: RebuildReport) {
  const { studies, objects, bytes, series, unusable } = report
  completeCohort(ledger, cohortId, { studies })
  endRun(ledger, runId, unusable.length > 0 ? "failed" : "done", { studies, objects, bytes, series })
  // All of it is to be in the one file that gets the ledger's name.
  writeBackWal(ledger.db)
}

/** @returns why it cannot be used where it cannot */
async function receiptAt(
  destination: ObjectSource,
  { key, generation, size }: ObjectInfo,
  signal: AbortSignal,
): Promise<UsableReceipt | string> {
  if (size > MAX_RECEIPT_BYTES) return "larger than a receipt can be"
  const { stream } = await destination.read(key, { ifGeneration: generation }, signal)
  const document = readReceipt(await new Response(stream).bytes())
  if (document === undefined) return "not a receipt of this tool"
  if (receiptKey(document) !== key) return "the receipt of another study"
  return usableReceipt(document) ?? "an entry is not whole"
}
