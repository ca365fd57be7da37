import { type Claim, claimNext, claimStudy, HEARTBEAT_MS, heldClaims, renewClaims } from "../ledger/claims.ts"
import { closeDeadRuns } from "../ledger/runs.ts"
import {
  dueStudies,
  eligibleStudies,
  giveUpLongMissing,
  queueObjects,
  retryGivenUp,
  studyById,
} from "../ledger/studies.ts"
import type { Log } from "../support/log.ts"
import { forEachLimit } from "../support/pool.ts"
import type { Progress } from "../support/progress.ts"
import type { Stop } from "../support/stop.ts"
import { type CopyStudyDeps, copyStudy } from "./copy-study.ts"
import { refusedStudy, type StudyResult } from "./study-result.ts"

export interface CopyOptions {
  /** Exactly these; none means whatever is due. */
  readonly studyIds?: readonly string[]
  /** At most so many, those with the newest signed report. */
  readonly limit?: number | undefined
  /** Studies in flight. */
  readonly concurrency: number
  /** Also what was given up. */
  readonly retryFailed?: boolean
  /** Copies done objects again and replaces whatever stands at the destination under its present generation. */
  readonly force?: boolean
}

export interface CopyReport {
  readonly studies: readonly StudyResult[]
  readonly totals: CopyTotals
}

export interface CopyTotals {
  readonly studies: number
  readonly succeeded: number
  readonly failed: number
  readonly dicom_files_uploaded: number
  readonly reports_uploaded: number
  readonly metadata_uploaded: number
  readonly skipped: number
  readonly bytes: number
  readonly seconds: number
  /** Studies that another run is working on; it finishes them. */
  readonly held_by_others: number
}

export interface CopyStepDeps extends CopyStudyDeps {
  readonly runId: number
  readonly log: Log
  readonly progress: Progress
  /** Makes an id that the ledger does not know known, or says which rule it fails. */
  readonly admit: (studyId: string, stop: Stop) => Promise<string | undefined>
}

/**
 * Copies what is due, `concurrency` studies at a time, until nothing is left that this run has not tried. Another
 * process on the same ledger shares the work.
 */
export async function copyStudies(deps: CopyStepDeps, options: CopyOptions, stop: Stop): Promise<CopyReport> {
  const { ledger, log, progress, runId } = deps
  const startedAt = performance.now()
  const results: StudyResult[] = []
  giveUpLongMissing(ledger)
  if (options.retryFailed === true) retryGivenUp(ledger, options.studyIds)
  const ids = await idsToCopy(deps, options, results, stop)
  using heartbeat = keepClaims(deps)
  const inFlight: Stop = { requested: stop.requested, forced: AbortSignal.any([stop.forced, heartbeat.lost]) }

  progress.start(ids?.length ?? dueStudies(ledger).length, "studies")
  const claims = ids === undefined ? claimsDue(deps, stop) : claimsOf(deps, ids, stop)
  const copyOne = async (claim: Claim, signal: AbortSignal) => {
    const result = await copyStudy(deps, claim, { requested: inFlight.requested, forced: signal })
    results.push(result)
    progress.tick(1, result.study_id)
    logResult(log, result)
  }
  try {
    await forEachLimit(claims, options.concurrency, copyOne, inFlight.forced)
  } finally {
    progress.stop()
  }
  const others = heldClaims(ledger).filter((claim) => claim.runId !== runId).length
  return { studies: results, totals: totalsOf(results, others, (performance.now() - startedAt) / 1000) }
}

/** The ids of a request that names its studies; undefined when it is for whatever is due. */
async function idsToCopy(deps: CopyStepDeps, options: CopyOptions, refused: StudyResult[], stop: Stop) {
  const { ledger } = deps
  const { studyIds = [], limit, force = false } = options
  const wanted = studyIds.length > 0 ? await admitAll(deps, studyIds, refused, stop) : undefined
  if (force) {
    const again = wanted ?? eligibleStudies(ledger, limit)
    for (const id of again) queueObjects(ledger, id, ({ state }) => state !== "retired", { forced: true })
    return again
  }
  return wanted ?? (limit === undefined ? undefined : dueStudies(ledger, limit))
}

async function admitAll(deps: CopyStepDeps, studyIds: readonly string[], refused: StudyResult[], stop: Stop) {
  const admitted: string[] = []
  for (const id of new Set(studyIds)) {
    const reason = await whyRefused(deps, id, stop)
    if (reason === undefined) admitted.push(id)
    else refused.push(refusedStudy(id, studyById(deps.ledger, id)?.organizationId ?? null, reason))
  }
  return admitted
}

async function whyRefused(deps: CopyStepDeps, studyId: string, stop: Stop): Promise<string | undefined> {
  const known = studyById(deps.ledger, studyId)
  if (known === undefined) return deps.admit(studyId, stop)
  const refused =
    known.standing === "withdrawn" || (known.standing === "out_of_cohort" && known.begunAt === null)
  return refused
    ? `${known.standing.replaceAll("_", " ")} since the last discovery, by the rule ${known.standingReason}; run discover to look again`
    : undefined
}

async function* claimsDue({ ledger, runId }: CopyStepDeps, stop: Stop): AsyncGenerator<Claim> {
  while (!stop.requested.aborted) {
    const claim =
      claimNext(ledger, runId) ?? (closeDeadRuns(ledger) > 0 ? claimNext(ledger, runId) : undefined)
    if (claim === undefined) return
    yield claim
  }
}

async function* claimsOf({ ledger, runId, log }: CopyStepDeps, ids: readonly string[], stop: Stop) {
  for (const id of ids) {
    if (stop.requested.aborted) return
    const claim = claimStudy(ledger, runId, id)
    if (claim === undefined) log.info({ study: id }, "another run works on it")
    else yield claim
  }
}

/** Renews this run's claims for as long as it lives; `lost` fires when that fails, for then nothing is ours. */
function keepClaims({ ledger, runId, log }: CopyStepDeps): Disposable & { readonly lost: AbortSignal } {
  const lost = new AbortController()
  const timer = setInterval(() => {
    try {
      renewClaims(ledger, runId)
    } catch (error) {
      log.error({ err: error }, "claims could not be renewed")
      lost.abort(error)
    }
  }, HEARTBEAT_MS)
  return { lost: lost.signal, [Symbol.dispose]: () => clearInterval(timer) }
}

function logResult(log: Log, { study_id, success, bytes, seconds, errors, warnings }: StudyResult) {
  const facts = {
    study: study_id,
    bytes,
    seconds,
    ...(errors.length > 0 && { errors }),
    ...(warnings.length > 0 && { warnings }),
  }
  if (success) log.info(facts, "copied")
  else log.warn(facts, "not complete")
}

function totalsOf(studies: readonly StudyResult[], others: number, seconds: number): CopyTotals {
  const sum = (value: (study: StudyResult) => number) =>
    studies.reduce((total, study) => total + value(study), 0)
  const succeeded = sum(({ success }) => (success ? 1 : 0))
  return {
    studies: studies.length,
    succeeded,
    failed: studies.length - succeeded,
    dicom_files_uploaded: sum((study) => study.dicom_files_uploaded),
    reports_uploaded: sum((study) => study.reports_uploaded),
    metadata_uploaded: sum((study) => (study.metadata_uploaded ? 1 : 0)),
    skipped: sum((study) => study.skipped),
    bytes: sum((study) => study.bytes),
    seconds: Math.round(seconds * 1000) / 1000,
    held_by_others: others,
  }
}
