import { isDeepStrictEqual } from "node:util"
import { heldClaims } from "../../ledger/claims.ts"
import { type LedgerObject, objectsOf } from "../../ledger/objects.ts"
import type { Ledger } from "../../ledger/open.ts"
import { forgetReceipt } from "../../ledger/receipts.ts"
import { queueObjects } from "../../ledger/retries.ts"
import { type LedgerStudy, studyById } from "../../ledger/studies.ts"
import { repairTotals, wrongTotals } from "../../ledger/totals.ts"
import type { ObjectInfo, ObjectSource, ObjectStore } from "../../storage/store.ts"
import { forEachLimit } from "../../support/pool.ts"
import type { Progress } from "../../support/progress.ts"
import type { Stop } from "../../support/stop.ts"
import { readPacked } from "../ingest/read-packed.ts"
import type { PackedPlaces } from "../ingest/series-standing.ts"
import { settleDeletions } from "../ingest/settle-deletions.ts"
import { verifyDatastore } from "../ingest/verify-datastore.ts"
import { objectKey, receiptKey } from "../layout.ts"
import { chosenStudies, type ListedStudy, listedStudies } from "./listed.ts"
import { differences, type Expected, type Problem } from "./problem.ts"
import { emptyPruneReport, type PruneReport, pruneStudy } from "./prune.ts"
import { readAll } from "./read-all.ts"
import { sourceProblems } from "./source.ts"

export interface VerifyOptions {
  readonly studyIds?: readonly string[]
  /** Percent of the studies; the same percentage always chooses the same ones. */
  readonly sample?: number | undefined
  /** Queues what is missing or different, so that the next copy mends it. */
  readonly repair?: boolean
  /** Reads every byte and hashes it. */
  readonly read?: boolean
  /** Also compares with the origin, and queues what changed there. */
  readonly source?: boolean
  /** Deletes what is retired and stands at the destination, as far as we put it there. */
  readonly prune?: boolean
  /** Tells what would be queued and deleted, and does neither. */
  readonly dryRun?: boolean
}

export interface VerifyReport {
  readonly studies: number
  readonly objects: number
  readonly bytes: number
  /** Series that are packed. */
  readonly series: number
  /** Studies and series that differ while another run works on them: left out. */
  readonly busy: number
  readonly problems: readonly Problem[]
  /** Objects and receipts that the next copy will mend. */
  readonly queued: number
  readonly prune?: PruneReport
  /** False when it was stopped before the end. */
  readonly finished: boolean
}

export interface VerifyDeps {
  readonly ledger: Ledger
  readonly destination: ObjectStore
  /** Where `source` is asked for. */
  readonly origin?: ObjectSource | undefined
  /** Where series are packed; undefined before any is. */
  readonly packed?: PackedPlaces | undefined
  /** Undefined in a dry run, which is not recorded. */
  readonly runId: number | undefined
  readonly progress: Progress
}

/** Studies whose listings of the origin are awaited at a time; without them a page of one listing is many studies. */
const STUDIES_IN_FLIGHT = 8

/**
 * Compares what the ledger says is done with what the destination lists: size, CRC32C and generation of every object
 * and receipt, by list pages. What seems wrong is looked at once more, for a copy may be running.
 */
export async function verify(deps: VerifyDeps, options: VerifyOptions, stop: Stop): Promise<VerifyReport> {
  const { ledger, progress } = deps
  const report = emptyReport(options)
  progress.start(0, "studies")
  try {
    const studies = listedStudies(deps, options, stop.requested)
    const verifyOne = async (listed: ListedStudy, signal: AbortSignal) => {
      await verifyListed(deps, listed, options, report, signal)
      progress.tick(1, listed.study.studyId)
    }
    const limit = options.source === true ? STUDIES_IN_FLIGHT : 1
    if (deps.runId !== undefined) await settleDeletions({ ...deps, runId: deps.runId }, stop.requested)
    await forEachLimit(studies, limit, verifyOne, stop.requested)
    if (deps.packed !== undefined) await verifyPacked(deps, deps.packed, options, report, stop.requested)
  } catch (error) {
    if (!stop.requested.aborted) throw error
    report.finished = false
  } finally {
    progress.stop()
  }
  report.problems.push(...verifyTotals(ledger, options))
  return report
}

async function verifyPacked(
  { ledger }: VerifyDeps,
  packed: PackedPlaces,
  options: VerifyOptions,
  report: GrowingReport,
  signal: AbortSignal,
) {
  const { repair = false, dryRun = false } = options
  const how = { repair, dryRun, studyIds: chosenStudies(ledger, options) }
  const { series, busy, queued, problems } = await verifyDatastore({ ledger, ...packed }, how, signal)
  report.series = series
  report.busy += busy
  report.queued += queued
  report.problems.push(...problems)
}

type GrowingReport = ReturnType<typeof emptyReport>

function emptyReport({ prune = false }: VerifyOptions) {
  return {
    studies: 0,
    objects: 0,
    bytes: 0,
    series: 0,
    busy: 0,
    problems: [] as Problem[],
    queued: 0,
    ...(prune && { prune: emptyPruneReport() }),
    finished: true,
  }
}

async function verifyListed(
  deps: VerifyDeps,
  listed: ListedStudy,
  options: VerifyOptions,
  report: GrowingReport,
  signal: AbortSignal,
) {
  const { ledger } = deps
  const { study, found } = listed
  const { objects, problems } = await verifyStudy(deps, listed, options, signal)
  if (problems.length > 0 && isMoving(ledger, study, objects)) {
    report.busy += 1
    return
  }
  report.studies += 1
  report.objects += objects.length
  report.bytes += objects.reduce((sum, object) => sum + (object.size ?? 0), 0)
  report.problems.push(...problems)
  const mendable = problems.filter((problem) => isToQueue(problem, options))
  report.queued += mendable.length
  if (mendable.length > 0 && options.dryRun !== true) queueAgain(ledger, study, mendable)
  if (report.prune !== undefined) await pruneStudy(deps, study, found, report.prune, signal)
}

async function verifyStudy(
  deps: VerifyDeps,
  { study, found, receipt }: ListedStudy,
  options: VerifyOptions,
  signal: AbortSignal,
) {
  const objects = copiedObjects(deps.ledger, study)
  const problems: Problem[] = []
  // The series has the others.
  const copies = objects.filter(({ copyDeletedAt }) => copyDeletedAt === null)
  for (const object of copies) {
    const key = objectKey(study, object.path)
    problems.push(...(await confirmed(deps, study, key, object, found.get(object.path), signal)))
  }
  if (study.completedAt !== null) {
    const expected = { size: null, crc32c: null, generation: study.receiptGeneration }
    problems.push(...(await confirmed(deps, study, receiptKey(study), expected, receipt, signal)))
  }
  if (deps.origin !== undefined) problems.push(...(await sourceProblems(deps.origin, study, objects, signal)))
  if (options.read === true) {
    problems.push(...(await readAll(deps, study, copies, problems, signal)))
    const rest = objects.filter(({ copyDeletedAt }) => copyDeletedAt !== null)
    const { ledger, packed } = deps
    if (packed !== undefined) problems.push(...(await readPacked({ ledger, packed }, study, rest, signal)))
  }
  return { objects, problems }
}

/** A source that is gone is only told: the copy of it is the last one there is. */
function isToQueue({ problem }: Problem, { source = false, repair = false }: VerifyOptions): boolean {
  if (problem === "source_gone") return false
  return problem === "source_changed" ? source : repair
}

/** Whether somebody copies the study just now, or has changed what it was compared with: nothing can be said of it. */
function isMoving(ledger: Ledger, study: LedgerStudy, compared: readonly LedgerObject[]): boolean {
  if (heldClaims(ledger).some(({ studyId }) => studyId === study.studyId)) return true
  const now = studyById(ledger, study.studyId)?.receiptGeneration
  return now !== study.receiptGeneration || !isDeepStrictEqual(copiedObjects(ledger, study), compared)
}

function copiedObjects(ledger: Ledger, { studyId }: LedgerStudy): LedgerObject[] {
  return objectsOf(ledger, studyId).filter(({ state }) => state === "copied")
}

/** What a list page says is wrong is believed only after a look at the object itself. */
async function confirmed(
  { destination }: VerifyDeps,
  study: LedgerStudy,
  key: string,
  expected: Expected,
  listed: ObjectInfo | undefined,
  signal: AbortSignal,
): Promise<Problem[]> {
  if (differences(study, key, expected, listed).length === 0) return []
  return differences(study, key, expected, await destination.head(key, signal))
}

function queueAgain(ledger: Ledger, study: LedgerStudy, problems: readonly Problem[]) {
  const found = new Map(problems.map(({ key, problem }) => [key, problem]))
  if (found.has(receiptKey(study))) forgetReceipt(ledger, study.studyId)
  const problemOf = ({ path }: LedgerObject) => found.get(objectKey(study, path))
  queueObjects(ledger, study.studyId, (object) => ![undefined, "bytes"].includes(problemOf(object)))
  // All that the destination tells of these is right, so a copy would take them for done.
  queueObjects(ledger, study.studyId, (object) => problemOf(object) === "bytes", { forced: true })
}

function verifyTotals(ledger: Ledger, { repair = false, dryRun = false }: VerifyOptions): Problem[] {
  const problems = wrongTotals(ledger).map(({ name, kept, counted }) => ({
    study_id: null,
    key: `totals.${name}`,
    problem: "totals" as const,
    expected: counted,
    found: kept,
  }))
  if (repair && !dryRun && problems.length > 0) repairTotals(ledger)
  return problems
}
