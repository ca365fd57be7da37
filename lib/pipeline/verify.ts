import { isDeepStrictEqual } from "node:util"
import { heldClaims } from "../ledger/claims.ts"
import { type LedgerObject, objectsOf } from "../ledger/objects.ts"
import type { Ledger } from "../ledger/open.ts"
import { forgetReceipt } from "../ledger/receipts.ts"
import { queueObjects } from "../ledger/retries.ts"
import { type LedgerStudy, studyById } from "../ledger/studies.ts"
import { repairTotals, wrongTotals } from "../ledger/totals.ts"
import { NotFound, PreconditionFailed } from "../storage/errors.ts"
import type { ObjectInfo, ObjectStore } from "../storage/store.ts"
import { forEachLimit } from "../support/pool.ts"
import type { Progress } from "../support/progress.ts"
import type { Stop } from "../support/stop.ts"
import { crc32cOfObject } from "../transfer/hash.ts"
import { objectKey, receiptKey } from "./layout.ts"
import { type ListedStudy, listedStudies } from "./listed.ts"

export interface VerifyOptions {
  readonly studyIds?: readonly string[]
  /** Percent of the studies; the same percentage always chooses the same ones. */
  readonly sample?: number | undefined
  /** Queues what is missing or different, so that the next copy mends it. */
  readonly repair?: boolean
  /** Reads every byte and hashes it. */
  readonly read?: boolean
  /** Tells what a repair would queue and queues nothing. */
  readonly dryRun?: boolean
}

export interface Problem {
  /** Null where the ledger as a whole is concerned. */
  readonly study_id: string | null
  readonly key: string
  readonly problem: "missing" | "size" | "crc32c" | "generation" | "bytes" | "totals"
  readonly expected: string | number | null
  readonly found: string | number | null
}

export interface VerifyReport {
  readonly studies: number
  readonly objects: number
  readonly bytes: number
  /** Studies that differ while another run works on them: left out. */
  readonly busy: number
  readonly problems: readonly Problem[]
  /** Objects and receipts that the next copy will mend. */
  readonly queued: number
  /** False when it was stopped before the end. */
  readonly finished: boolean
}

export interface VerifyDeps {
  readonly ledger: Ledger
  readonly destination: ObjectStore
  readonly progress: Progress
}

/** Bodies hashed at a time with `read`. */
const READS_IN_FLIGHT = 8

/**
 * Compares what the ledger says is done with what the destination lists: size, CRC32C and generation of every object
 * and receipt, by list pages. What seems wrong is looked at once more, for a copy may be running.
 */
export async function verify(deps: VerifyDeps, options: VerifyOptions, stop: Stop): Promise<VerifyReport> {
  const { ledger, progress } = deps
  const report = {
    studies: 0,
    objects: 0,
    bytes: 0,
    busy: 0,
    problems: [] as Problem[],
    queued: 0,
    finished: true,
  }
  progress.start(0, "studies")
  try {
    for await (const listed of listedStudies(deps, options, stop.requested)) {
      const { objects, problems } = await verifyStudy(deps, listed, options, stop.requested)
      if (problems.length > 0 && isMoving(ledger, listed.study, objects)) {
        report.busy += 1
        continue
      }
      report.studies += 1
      report.objects += objects.length
      report.bytes += objects.reduce((sum, object) => sum + (object.size ?? 0), 0)
      report.problems.push(...problems)
      if (options.repair === true) report.queued += problems.length
      if (options.repair === true && options.dryRun !== true) queueAgain(ledger, listed.study, problems)
      progress.tick(1, listed.study.studyId)
    }
  } catch (error) {
    if (!stop.requested.aborted) throw error
    report.finished = false
  } finally {
    progress.stop()
  }
  report.problems.push(...verifyTotals(ledger, options))
  return report
}

async function verifyStudy(
  deps: VerifyDeps,
  { study, found, receipt }: ListedStudy,
  options: VerifyOptions,
  signal: AbortSignal,
) {
  const objects = copiedObjects(deps.ledger, study)
  const problems: Problem[] = []
  for (const object of objects) {
    const key = objectKey(study, object.path)
    problems.push(...(await confirmed(deps, study, key, object, found.get(object.path), signal)))
  }
  if (study.completedAt !== null) {
    const expected = { size: null, crc32c: null, generation: study.receiptGeneration }
    problems.push(...(await confirmed(deps, study, receiptKey(study), expected, receipt, signal)))
  }
  if (options.read === true) problems.push(...(await readAll(deps, study, objects, problems, signal)))
  return { objects, problems }
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

type Expected = Pick<LedgerObject, "size" | "crc32c" | "generation">

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

function differences(
  study: LedgerStudy,
  key: string,
  expected: Expected,
  found: ObjectInfo | undefined,
): Problem[] {
  const problem = (kind: Problem["problem"], wanted: string | number | null, is: string | number | null) => ({
    study_id: study.studyId,
    key,
    problem: kind,
    expected: wanted,
    found: is,
  })
  if (found === undefined) return [problem("missing", expected.size, null)]
  const { size, crc32c, generation } = expected
  if (size !== null && found.size !== size) return [problem("size", size, found.size)]
  if (crc32c !== null && found.crc32c !== crc32c) return [problem("crc32c", crc32c, found.crc32c ?? null)]
  if (found.generation !== generation) return [problem("generation", generation, found.generation)]
  return []
}

/** Hashes the bytes of every object that is not known to be wrong already. */
async function readAll(
  { destination }: VerifyDeps,
  study: LedgerStudy,
  objects: readonly LedgerObject[],
  known: readonly Problem[],
  signal: AbortSignal,
): Promise<Problem[]> {
  const wrong = new Set(known.map((problem) => problem.key))
  const problems: Problem[] = []
  const readOne = async (object: LedgerObject, inner: AbortSignal) => {
    const key = objectKey(study, object.path)
    if (!wrong.has(key)) problems.push(...(await readProblems(destination, study, key, object, inner)))
  }
  await forEachLimit(objects, READS_IN_FLIGHT, readOne, signal)
  return problems
}

async function readProblems(
  destination: ObjectStore,
  study: LedgerStudy,
  key: string,
  { size, crc32c, generation }: LedgerObject,
  signal: AbortSignal,
): Promise<Problem[]> {
  try {
    const found = await crc32cOfObject(destination, key, { ifGeneration: generation! }, signal)
    if (found === crc32c) return []
    return [{ study_id: study.studyId, key, problem: "bytes", expected: crc32c, found }]
  } catch (error) {
    // It is not what was listed any more.
    if (!(error instanceof NotFound || error instanceof PreconditionFailed)) throw error
    const expected = { size, crc32c, generation }
    return differences(study, key, expected, await destination.head(key, signal))
  }
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
