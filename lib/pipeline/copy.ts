import {
  type Claim,
  claimNext,
  claimStudy,
  HEARTBEAT_MS,
  heldClaims,
  releaseClaim,
  renewClaims,
} from "../ledger/claims.ts"
import { ClaimLost } from "../ledger/errors.ts"
import { giveUpLongMissing, queueObjects, retryGivenUp } from "../ledger/retries.ts"
import { closeDeadRuns } from "../ledger/runs.ts"
import { dueStudies, eligibleStudies, studyById } from "../ledger/studies.ts"
import { readTotals } from "../ledger/totals.ts"
import type { Log } from "../support/log.ts"
import { acquireUnless, forEachLimit, semaphore } from "../support/pool.ts"
import type { Progress } from "../support/progress.ts"
import type { Stop } from "../support/stop.ts"
import { type CopyStudyDeps, copyStudy } from "./copy-study.ts"
import { whyLeftAlone } from "./left-alone.ts"
import { refusedStudy, type StudyResult } from "./study-result.ts"
import { beginStudy, type StudyWork } from "./study-work.ts"

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
  /** What was copied as it is although something is odd about it; the log tells, and status of objects. */
  readonly warnings: number
  readonly seconds: number
  /** Studies that another run is working on; it finishes them. */
  readonly held_by_others: number
}

export interface CopyStepDeps extends CopyStudyDeps {
  readonly runId: number
  readonly log: Log
  readonly progress: Progress
  /** Makes ids that the ledger does not know known, and says of the others which rule they fail. */
  readonly admit: (studyIds: readonly string[]) => Promise<ReadonlyMap<string, string>>
}

/** While the objects of one study are in flight, another waits for its turn and a third writes its receipt. */
const CLAIMED_PER_PLACE = 3

/**
 * Copies what is due, `concurrency` studies at a time, until nothing is left that this run has not tried. Another
 * process on the same ledger shares the work.
 */
export async function copyStudies(deps: CopyStepDeps, options: CopyOptions, stop: Stop): Promise<CopyReport> {
  const { ledger, log, progress, runId } = deps
  const startedAt = performance.now()
  const results: StudyResult[] = []
  let warnings = 0
  giveUpLongMissing(ledger)
  if (options.retryFailed === true) retryGivenUp(ledger, options.studyIds)
  const ids = await idsToCopy(deps, options, results)
  using heartbeat = keepClaims(deps)
  const forced = AbortSignal.any([stop.forced, heartbeat.lost])

  progress.start(ids?.length ?? readTotals(ledger.db).get("due")?.count ?? 0, "studies")
  const take = ids === undefined ? takeDue(deps) : takeOf(deps, ids)
  const places = semaphore(options.concurrency)
  const copyOneByOne = async (_worker: number, signal: AbortSignal) => {
    const ended = AbortSignal.any([stop.requested, signal])
    while (!ended.aborted) {
      const work = await take(ended)
      if (work === undefined) return
      using place = await acquireUnless(places, ended)
      if (place === undefined) return giveBack(deps, work.claim)
      const tally = await copyStudy(deps, work, place, { requested: stop.requested, forced: signal })
      const result = tally.result()
      results.push(result)
      warnings += tally.warnings.length
      progress.tick(1, result.study_id)
      logResult(log, result, tally.warnings)
    }
  }
  try {
    const claimed = CLAIMED_PER_PLACE * options.concurrency
    await forEachLimit(Array(claimed).keys(), claimed, copyOneByOne, forced)
  } finally {
    progress.stop()
  }
  const totals = totalsOf(results, {
    warnings,
    seconds: Math.round(performance.now() - startedAt) / 1000,
    held_by_others: heldClaims(ledger).filter((claim) => claim.runId !== runId).length,
  })
  return { studies: results, totals }
}

/** The ids of a request that names its studies; undefined when it is for whatever is due. */
async function idsToCopy(deps: CopyStepDeps, options: CopyOptions, refused: StudyResult[]) {
  const { ledger } = deps
  const { studyIds = [], limit, force = false } = options
  const wanted = studyIds.length > 0 ? await admitAll(deps, studyIds, refused) : undefined
  if (force) {
    const again = wanted ?? eligibleStudies(ledger, limit)
    for (const id of again) queueObjects(ledger, id, ({ state }) => state !== "retired", { forced: true })
    return again
  }
  return wanted ?? (limit === undefined ? undefined : dueStudies(ledger, limit))
}

async function admitAll(deps: CopyStepDeps, studyIds: readonly string[], refused: StudyResult[]) {
  const { ledger, admit } = deps
  const ids = [...new Set(studyIds)]
  const unknown = ids.filter((id) => studyById(ledger, id) === undefined)
  const failing = unknown.length > 0 ? await admit(unknown) : new Map<string, string>()
  return ids.filter((id) => {
    const study = studyById(ledger, id)
    const reason = study === undefined ? failing.get(id) : whyLeftAlone(study)
    if (reason !== undefined) refused.push(refusedStudy(id, study?.organizationId ?? null, reason))
    return reason === undefined
  })
}

/** Claims the next study and begins it; undefined when there is none left for this run, or it has ended. */
type Take = (ended: AbortSignal) => Promise<StudyWork | undefined>

function takeDue({ ledger, runId, commits }: CopyStepDeps): Take {
  return (ended) =>
    commits.add(() => {
      if (ended.aborted) return undefined
      const claim =
        claimNext(ledger, runId) ?? (closeDeadRuns(ledger) > 0 ? claimNext(ledger, runId) : undefined)
      return claim && beginStudy(ledger, claim)
    })
}

function takeOf({ ledger, runId, commits, log }: CopyStepDeps, ids: readonly string[]): Take {
  let next = 0
  return async (ended) => {
    while (next < ids.length && !ended.aborted) {
      const id = ids[next++]!
      const work = await commits.add(() => {
        const claim = claimStudy(ledger, runId, id)
        return claim && beginStudy(ledger, claim)
      })
      if (work !== undefined) return work
      log.info({ study: id }, "another run works on it")
    }
    return undefined
  }
}

/** A study whose turn never came. */
async function giveBack({ ledger, commits }: CopyStepDeps, claim: Claim) {
  try {
    await commits.add(() => releaseClaim(ledger, claim, { seconds: 0 }))
  } catch (error) {
    if (!(error instanceof ClaimLost)) throw error
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

function logResult(
  log: Log,
  { study_id, success, bytes, seconds, errors }: StudyResult,
  warnings: readonly string[],
) {
  const facts = {
    study: study_id,
    bytes,
    seconds,
    ...(errors.length > 0 && { errors }),
    ...(warnings.length > 0 && { warnings }),
  }
  if (!success) log.warn(facts, "not complete")
  else if (warnings.length > 0) log.warn(facts, "copied, with warnings")
  else log.info(facts, "copied")
}

function totalsOf(
  studies: readonly StudyResult[],
  rest: Pick<CopyTotals, "warnings" | "seconds" | "held_by_others">,
): CopyTotals {
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
    ...rest,
  }
}
