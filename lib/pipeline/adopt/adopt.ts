import type { GroupCommit } from "../../ledger/group-commit.ts"
import type { LedgerStudy } from "../../ledger/studies.ts"
import { organizations, studiesOf } from "../../ledger/study-lists.ts"
import { readTotals } from "../../ledger/totals.ts"
import { describeError, verdictOf } from "../../support/errors.ts"
import { forEachLimit } from "../../support/pool.ts"
import type { Progress } from "../../support/progress.ts"
import type { Stop } from "../../support/stop.ts"
import { whyLeftAlone } from "../copy/left-alone.ts"
import { objectKey } from "../layout.ts"
import { known } from "../verify/listed.ts"
import {
  type Adopted,
  type CompareDeps,
  compareStudy,
  recordAdopted,
  type StudyComparison,
  type WhyNotAdopted,
} from "./adopt-study.ts"

export interface AdoptOptions {
  /** Exactly these; none means whatever is due. */
  readonly studyIds?: readonly string[]
  /** Studies looked at at a time. */
  readonly concurrency: number
  /** Tells what would be adopted and records nothing. */
  readonly dryRun?: boolean
  /** Price of 10^9 bytes that leave the origin. */
  readonly usdPerGb?: number | undefined
}

export interface AdoptReport {
  /** That were compared. */
  readonly studies: number
  /** Objects that are done now (or would be) and what their copy would have read from the origin. */
  readonly adopted: Adopted
  /** Null without a price. */
  readonly saved_usd: number | null
  /** Objects by what kept them from being adopted. */
  readonly not_adopted: Readonly<Record<WhyNotAdopted, number>>
  /** What stands there and was not adopted, up to 1,000 of them; what is not there is only counted. */
  readonly left: readonly { readonly key: string; readonly reason: WhyNotAdopted }[]
  /** Studies that another run works on. */
  readonly busy: number
  /** Studies that could not be compared. */
  readonly failed: readonly { readonly study_id: string; readonly error: string }[]
  /** False when it was stopped before the end. */
  readonly finished: boolean
}

export interface AdoptDeps extends CompareDeps {
  readonly commits: GroupCommit
  /** Undefined in a dry run, which is not recorded. */
  readonly runId: number | undefined
  readonly progress: Progress
}

/** What cannot be adopted and is told one by one. */
const MAX_LEFT = 1000

/**
 * Records as done what another tool brought to the destination: objects whose size and checksum are those of the source,
 * by what listings tell. Nothing is read, nothing is written at the destination; the next copy writes the receipts.
 * It can be stopped at any moment and started again: what is adopted is not looked at any more.
 * @throws UsageError for an id that the ledger does not know
 */
export async function adopt(deps: AdoptDeps, options: AdoptOptions, stop: Stop): Promise<AdoptReport> {
  const { ledger, progress } = deps
  const tally = new AdoptTally()
  const ids = options.studyIds ?? []
  const named = ids.length > 0 ? [...new Set(ids)].map((id) => known(ledger, id)) : undefined
  progress.start(named?.length ?? readTotals(ledger.db).get("due")?.count ?? 0, "studies")
  const adoptOne = async (study: LedgerStudy, signal: AbortSignal) => {
    try {
      await adoptStudy(deps, study, tally, options, signal)
    } catch (error) {
      if (signal.aborted || verdictOf(error) === "stop") throw error
      const { class: name, message } = describeError(error)
      tally.failed.push({ study_id: study.studyId, error: `${name}: ${message}` })
    }
    progress.tick(1, study.studyId)
  }
  const studies = untilStopped(named ?? dueStudies(deps), stop.requested)
  try {
    await forEachLimit(studies, options.concurrency, adoptOne, stop.forced)
  } catch (error) {
    if (!stop.requested.aborted) throw error
  } finally {
    progress.stop()
  }
  return tally.report(options.usdPerGb, !stop.requested.aborted)
}

async function adoptStudy(
  deps: AdoptDeps,
  study: LedgerStudy,
  tally: AdoptTally,
  { dryRun = false }: AdoptOptions,
  signal: AbortSignal,
) {
  const { ledger, runId, commits } = deps
  const leftAlone = whyLeftAlone(study)
  if (leftAlone !== undefined) {
    tally.failed.push({ study_id: study.studyId, error: leftAlone })
    return
  }
  const comparison = await compareStudy(deps, study, signal)
  const same = sameIn(comparison)
  // A study of which nothing can be adopted is not even claimed: it would count as begun.
  const adopted =
    dryRun || same.objects === 0
      ? same
      : await commits.add(() => recordAdopted(ledger, runId!, study, comparison))
  if (adopted === undefined) tally.busy += 1
  else tally.add(study, comparison, adopted)
}

function sameIn({ objects }: StudyComparison): Adopted {
  const same = objects.flatMap(({ result }) => ("same" in result ? [result.same.size] : []))
  return { objects: same.length, bytes: same.reduce((sum, size) => sum + size, 0) }
}

/** Whatever a copy would take, an organization at a time. */
function* dueStudies({ ledger }: AdoptDeps): Generator<LedgerStudy> {
  for (const organizationId of organizations(ledger)) {
    for (const study of studiesOf(ledger, organizationId)) if (study.due === 1) yield study
  }
}

function* untilStopped<T>(items: Iterable<T>, requested: AbortSignal): Generator<T> {
  for (const item of items) {
    if (requested.aborted) return
    yield item
  }
}

class AdoptTally {
  busy = 0
  readonly failed: { study_id: string; error: string }[] = []
  private studies = 0
  private readonly adopted = { objects: 0, bytes: 0 }
  private readonly left: { key: string; reason: WhyNotAdopted }[] = []
  private readonly reasons: Record<WhyNotAdopted, number> = {
    not_there: 0,
    not_at_origin: 0,
    size_differs: 0,
    checksum_differs: 0,
    no_common_checksum: 0,
  }

  add(study: LedgerStudy, { objects }: StudyComparison, { objects: count, bytes }: Adopted) {
    this.studies += 1
    this.adopted.objects += count
    this.adopted.bytes += bytes
    for (const { path, result } of objects) {
      if ("same" in result) continue
      const { reason } = result
      this.reasons[reason] += 1
      if (reason !== "not_there" && this.left.length < MAX_LEFT) {
        this.left.push({ key: objectKey(study, path), reason })
      }
    }
  }

  report(usdPerGb: number | undefined, finished: boolean): AdoptReport {
    return {
      studies: this.studies,
      adopted: this.adopted,
      saved_usd: usdPerGb === undefined ? null : (this.adopted.bytes / 1e9) * usdPerGb,
      not_adopted: this.reasons,
      left: this.left,
      busy: this.busy,
      failed: this.failed,
      finished,
    }
  }
}
