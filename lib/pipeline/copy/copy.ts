import { type Claim, claimNext, claimStudy, heldClaims, releaseClaim } from "../../ledger/claims.ts"
import { ClaimLost } from "../../ledger/errors.ts"
import { giveUpLongMissing, queueObjects, retryGivenUp } from "../../ledger/retries.ts"
import { closeDeadRuns } from "../../ledger/runs.ts"
import { studyById } from "../../ledger/studies.ts"
import { dueStudies, eligibleStudies } from "../../ledger/study-lists.ts"
import { dueWork } from "../../ledger/work.ts"
import type { Log } from "../../support/log.ts"
import { withLogIds } from "../../support/log-ids.ts"
import { acquireUnless, bell, forEachLimit, semaphore } from "../../support/pool.ts"
import type { Progress } from "../../support/progress.ts"
import type { Stop } from "../../support/stop.ts"
import type { StudyPacking } from "../ingest/ingest-study.ts"
import { keepClaims } from "../keep-claims.ts"
import {
  type CopyReport,
  type CopyTotals,
  collectResults,
  type Listing,
  type Results,
} from "./copy-report.ts"
import { type CopyStudyDeps, copyStudy } from "./copy-study.ts"
import { describeEstimate, type Estimate, estimateCopy, type Terms } from "./estimate.ts"
import { whyLeftAlone } from "./left-alone.ts"
import { refusedStudy, type StudyResult, withPacking } from "./study-result.ts"
import { beginStudy, type StudyWork } from "./study-work.ts"

export type { CopyReport, CopyTotals } from "./copy-report.ts"

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
  /** Which results its report lists, `all` unless told. */
  readonly listing?: Listing
}

export interface CopyStepDeps extends CopyStudyDeps {
  readonly runId: number
  readonly terms: Terms
  readonly log: Log
  readonly progress: Progress
  /** Makes ids that the ledger does not know known, and says of the others which rule they fail. */
  readonly admit: (studyIds: readonly string[]) => Promise<ReadonlyMap<string, string>>
  /** Packs the series of a study that was copied; a copy by itself does not. */
  readonly pack?: (studyId: string, stop: Stop) => Promise<StudyPacking>
}

/** While the objects of one study are in flight, another waits for its turn and a third writes its receipt. */
const CLAIMED_PER_PLACE = 3

/**
 * Copies what is due, `concurrency` studies at a time, until nothing is left that this run has not tried, or a limit is
 * reached. Another process on the same ledger shares the work.
 */
export async function copyStudies(deps: CopyStepDeps, options: CopyOptions, stop: Stop): Promise<CopyReport> {
  const { ledger, log, progress, limits } = deps
  const startedAt = performance.now()
  const results = collectResults(options.listing ?? "all")
  giveUpLongMissing(ledger)
  if (options.retryFailed === true) retryGivenUp(ledger, options.studyIds)
  const ids = await idsToCopy(deps, options, results)
  const estimate = announce(deps, ids)
  // What a discovery finds while studies are under way is this run's to copy, by all its workers.
  const more = bell()
  using heartbeat = keepClaims(deps, more.ring)
  const forced = AbortSignal.any([stop.forced, heartbeat.lost])

  progress.start(ids?.length ?? estimate.studies, "studies")
  const take = ids === undefined ? takeDue(deps) : takeOf(deps, ids)
  const places = semaphore(options.concurrency)
  const copyInTurn = async (work: StudyWork, ended: AbortSignal, signal: AbortSignal) => {
    using place = await acquireUnless(places, ended)
    if (place === undefined) return giveBack(deps, work.claim)
    const tally = await withLogIds({ study: work.claim.studyId }, () =>
      copyStudy(deps, work, place, { requested: stop.requested, forced: signal }),
    )
    // Packing has turns of its own.
    place[Symbol.dispose]()
    const packing = await deps.pack?.(work.claim.studyId, { requested: stop.requested, forced: signal })
    const result = withPacking(tally.result(), packing)
    results.add(result, tally.warnings.length)
    progress.tick(1, result.study_id)
    logResult(log, result, tally.warnings)
  }
  let taken = 0
  const copyOneByOne = async (_worker: number, signal: AbortSignal) => {
    const ended = AbortSignal.any([stop.requested, limits.reached, signal])
    while (!ended.aborted) {
      const work = await take(ended)
      if (work !== undefined) {
        taken += 1
        await copyInTurn(work, ended, signal).finally(() => {
          taken -= 1
          more.ring()
        })
      } else if (taken > 0) await more.rung()
      else return
    }
  }
  try {
    const claimed = CLAIMED_PER_PLACE * options.concurrency
    await forEachLimit(Array(claimed).keys(), claimed, copyOneByOne, forced)
  } finally {
    progress.stop()
  }
  const seconds = Math.round(performance.now() - startedAt) / 1000
  const totals = { ...results.sums, seconds, ...whatIsLeft(deps, ids) }
  return { studies: results.studies, totals, estimate }
}

/** Says before the beginning what is to be expected. */
function announce(
  { ledger, log, terms, limits }: CopyStepDeps,
  ids: readonly string[] | undefined,
): Estimate {
  const estimate = estimateCopy(ledger, terms, ids)
  const until = limits.endsAt === undefined ? "" : `; no study is begun after ${limits.endsAt.toISOString()}`
  log.info(estimate, `to copy: ${describeEstimate(estimate)}${until}`)
  return estimate
}

/** What others are working on and, when a limit ended the run, what the next one would find to do. */
function whatIsLeft(
  { ledger, runId, limits }: CopyStepDeps,
  ids: readonly string[] | undefined,
): Pick<CopyTotals, "held_by_others" | "ended_by" | "left_studies" | "left_objects" | "left_bytes"> {
  const held_by_others = heldClaims(ledger).filter((claim) => claim.runId !== runId).length
  if (limits.ended === undefined) return { held_by_others }
  const { studies, objects, expected_bytes } = dueWork(ledger, ids)
  return {
    held_by_others,
    ...(studies > 0 && {
      ended_by: limits.ended,
      left_studies: studies,
      left_objects: objects,
      left_bytes: expected_bytes,
    }),
  }
}

/** The ids of a request that names its studies; undefined when it is for whatever is due. */
async function idsToCopy(deps: CopyStepDeps, options: CopyOptions, refused: Results) {
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

async function admitAll(deps: CopyStepDeps, studyIds: readonly string[], refused: Results) {
  const { ledger, admit } = deps
  const ids = [...new Set(studyIds)]
  const unknown = ids.filter((id) => studyById(ledger, id) === undefined)
  const failing = unknown.length > 0 ? await admit(unknown) : new Map<string, string>()
  return ids.filter((id) => {
    const study = studyById(ledger, id)
    const reason = study === undefined ? failing.get(id) : whyLeftAlone(study)
    if (reason !== undefined) refused.add(refusedStudy(id, study?.organizationId ?? null, reason))
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
