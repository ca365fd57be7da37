import { RunUnderWay } from "../ledger/errors.ts"
import type { Ledger } from "../ledger/open.ts"
import { runUnderWay } from "../ledger/runs.ts"
import {
  endFiring,
  type Firing,
  firingBegan,
  firingBeganNoRun,
  hasUntried,
  recordFiring,
} from "../ledger/schedule.ts"
import { describeError } from "../support/errors.ts"
import type { Log } from "../support/log.ts"
import type { Stop } from "../support/stop.ts"

/** What a firing may begin; each is a run of the ledger of its own, whose id is told as soon as it has one. */
export interface Jobs {
  /** The whole job. @throws RunUnderWay when any process is at it already; then nothing was done */
  run(began: (runId: number) => void): Promise<JobEnd>
  discover(began: (runId: number) => void): Promise<JobEnd>
}

export interface JobEnd {
  readonly isWell: boolean
  /** False: a limit ended it, and what is left has to wait. */
  readonly isWhole?: boolean
}

export interface FiringTotals {
  readonly runs: number
  /** Firings that found a run under way and only discovered for it. */
  readonly discoveries: number
  /** Firings that found a discovery under way besides. */
  readonly skipped: number
  readonly caught_up: number
  readonly failed: number
}

export interface Firings {
  /** Begins what is to be done, and waits for none of it. */
  fire(firing: Due): void
  /** Once nothing is under way. */
  ended(): Promise<FiringTotals>
}

export interface FiringDeps {
  readonly ledger: Ledger
  /** The scheduler's own run. */
  readonly runId: number
  readonly jobs: Jobs
  readonly log: Log
  /** Told of what broke a job, for those who look into it. */
  readonly report: (error: unknown) => Promise<void>
}

type Due = Pick<Firing, "reason" | "dueAt">

/**
 * The firings of one scheduler. One of them begins the whole job, unless a run is under way, of this process or of
 * another: then it only discovers, and the copy of that run takes what is found, for it goes on until nothing is left.
 * While even such a discovery is under way it does nothing. A job that fails is told and recorded; the next one is not
 * the worse for it.
 */
export function openFirings(deps: FiringDeps, stop: Stop): Firings {
  const { ledger, runId: schedulerRun, jobs, log, report } = deps
  const totals = { runs: 0, discoveries: 0, skipped: 0, caught_up: 0, failed: 0 }
  const underWay = new Set<Promise<void>>()
  /** Without an id until it is recorded, which it is when the database has answered. */
  let running: { id?: number } | undefined
  let isDiscovering = false
  /** When a discovery was due that may have found what its run was too far to take. */
  let leftOver: Date | undefined
  let wasWhole = true

  function fire(firing: Due) {
    if (stop.requested.aborted) return
    const work = begin(firing)
      .then(takeLeftOver)
      .catch((error) => {
        totals.failed += 1
        log.error({ err: error }, "the firing could not be recorded")
      })
      .finally(() => underWay.delete(work))
    underWay.add(work)
  }

  async function begin(firing: Due) {
    if (firing.reason === "missed" || firing.reason === "cut off") totals.caught_up += 1
    const did = running === undefined ? "run" : isDiscovering ? "nothing" : "discover"
    const duringRun = running?.id
    log.info({ due: firing.dueAt.toISOString(), reason: firing.reason, did, duringRun }, "fired")
    const id = recordFiring(ledger, { ...firing, schedulerRun, did, duringRun })
    if (did === "run") await run(id, firing)
    else if (did === "discover") await discover(id, firing)
    else totals.skipped += 1
  }

  async function run(id: number, firing: Due) {
    const own: { id?: number } = {}
    running = own
    const { other, isWhole = true } = await asJob(id, () =>
      jobs.run((runId) => {
        totals.runs += 1
        own.id = runId
        firingBegan(ledger, id, runId)
      }),
    )
    running = undefined
    wasWhole = isWhole
    if (other === undefined) return
    const did = isDiscovering ? "nothing" : "discover"
    log.info({ run: other.runId, did }, "a run of another process is under way")
    firingBeganNoRun(ledger, id, { did, duringRun: other.runId })
    if (did === "discover") await discover(id, firing)
    else totals.skipped += 1
  }

  async function discover(id: number, { dueAt }: Due) {
    isDiscovering = true
    totals.discoveries += 1
    const { isWell } = await asJob(id, () => jobs.discover((runId) => firingBegan(ledger, id, runId)))
    isDiscovering = false
    if (isWell) leftOver = dueAt
  }

  /** @returns beside how it ended, the run that kept it from being begun */
  async function asJob(
    id: number,
    job: () => Promise<JobEnd>,
  ): Promise<JobEnd & { readonly other?: RunUnderWay }> {
    try {
      const end = await job()
      ended(id, end.isWell ? "done" : "failed")
      return end
    } catch (error) {
      if (error instanceof RunUnderWay) return { isWell: false, other: error }
      ended(id, "failed", error)
      if (stop.requested.aborted) return { isWell: false }
      log.error({ err: error }, "the job failed")
      await report(error)
      return { isWell: false }
    }
  }

  function ended(id: number, how: "done" | "failed", error?: unknown) {
    const outcome = stop.requested.aborted ? "stopped" : how
    if (outcome === "failed") totals.failed += 1
    endFiring(ledger, id, { outcome, error: error === undefined ? undefined : describeError(error) })
  }

  /** A discovery may end when the copy that it was made for has just looked for the last time. */
  function takeLeftOver() {
    if (leftOver === undefined || running !== undefined || isDiscovering) return
    const dueAt = leftOver
    leftOver = undefined
    if (!wasWhole) return
    // The run of another process that still lasts goes on until nothing is left.
    if (hasUntried(ledger) && runUnderWay(ledger, "run") === undefined) fire({ reason: "left over", dueAt })
  }

  return {
    fire,
    async ended() {
      while (underWay.size > 0) await Promise.all(underWay)
      return totals
    },
  }
}
