import { type FailureCounts, failureCounts } from "../../../ledger/page/failure-counts.ts"
import {
  type SeriesInFlight,
  type StudyInFlight,
  seriesInFlight,
  studiesInFlight,
} from "../../../ledger/page/in-flight.ts"
import { type MovedIn, minutesSince, movedSince } from "../../../ledger/page/moved.ts"
import { begunByScheduler, lastEndedRun, type PastRun } from "../../../ledger/page/runs.ts"
import { COPYING } from "../../../ledger/runs.ts"
import type { Moved } from "../../../ledger/tally.ts"
import { readTotals, type Total } from "../../../ledger/totals.ts"
import {
  type HangingLock,
  hangingLocks,
  lastHours,
  type OpenRun,
  openRuns,
  type TroubledObject,
  wrongBytes,
} from "../../../ledger/views.ts"
import { spooled } from "../../../operate/doctor/disk.ts"
import { type Outlook, outlook } from "../../../operate/schedule-outlook.ts"
import { type Rate, rateOf } from "../../../operate/status.ts"
import type { PageDeps } from "../../page.ts"

/** What the box is doing, as of one moment. */
export interface Now {
  readonly at: Date
  /** First of all: objects at the destination with bytes that must not be there. */
  readonly wrongBytes: readonly TroubledObject[]
  readonly hangingLocks: readonly HangingLock[]
  /** Processes that ended without a word, but for schedulers. */
  readonly died: readonly OpenRun[]
  readonly progress: Progress
  readonly failures: FailureCounts
  /** All but the scheduler. */
  readonly running: readonly RunningNow[]
  readonly scheduler: OpenRun | undefined
  /** Whether the last scheduler ended without a word. */
  readonly schedulerDied: boolean
  readonly lastRun: PastRun | undefined
  readonly outlook: Outlook
  /** Of runs that copy, with what is left; null while none does. */
  readonly rate: Rate | null
  readonly lastHour: readonly MovedIn[]
  readonly studies: readonly StudyInFlight[]
  /** How many studies one copy has in flight. */
  readonly places: number
  readonly series: readonly SeriesInFlight[]
  readonly spool: Spool
}

export interface Progress {
  readonly studies: {
    readonly complete: number
    /** A copy would find something to do. */
    readonly due: number
    readonly eligible: number
    readonly outOfCohort: number
    readonly withdrawn: number
  }
  readonly objects: {
    readonly copied: number
    /** Of those that were copied. */
    readonly bytes: number
    readonly waiting: number
    readonly failed: number
    readonly missing: number
  }
  readonly series: { readonly packed: number; readonly waiting: number; readonly failed: number }
}

export interface RunningNow extends OpenRun {
  readonly byScheduler: boolean
  /** Since it began; by all that run, for what moves is not counted by run. */
  readonly moved: Moved
}

/** Where objects wait between download, upload and packing. */
export interface Spool {
  readonly files: number
  readonly bytes: number
  readonly capacity: number
}

const MINUTE_MS = 60_000

/** Everything that the view shows, by indexes, small tables and one folder, in some milliseconds. */
export function readNow({ ledger, config, clock }: Pick<PageDeps, "ledger" | "config" | "clock">): Now {
  const spool = { ...spooled(config.copy.spoolDir), capacity: config.copy.spoolBytes }
  return ledger.read(() => {
    const at = clock.now()
    const { running, died } = openRuns(ledger)
    const working = running.filter((run) => !isScheduler(run))
    return {
      at,
      wrongBytes: wrongBytes(ledger),
      hangingLocks: hangingLocks(ledger),
      died: died.filter((run) => !isScheduler(run)),
      progress: progressOf(readTotals(ledger.db)),
      failures: failureCounts(ledger),
      running: runningNow(ledger, working),
      scheduler: running.find(isScheduler),
      schedulerDied: died.some(isScheduler),
      lastRun: lastEndedRun(ledger),
      outlook: outlook(ledger, config.schedule, { catchUp: true }),
      rate: rateOf(ledger, working.filter(isCopying), lastHours(ledger, 2)),
      lastHour: minutesSince(ledger, new Date(at.getTime() - 59 * MINUTE_MS)),
      studies: studiesInFlight(ledger),
      places: config.copy.concurrency,
      series: seriesInFlight(ledger),
      spool,
    }
  })
}

function isScheduler({ script }: OpenRun): boolean {
  return script === "schedule"
}

/** Whether what a run does is counted by the minute. */
export function isCopying({ script }: Pick<OpenRun, "script">): boolean {
  return COPYING.includes(script)
}

function runningNow(ledger: PageDeps["ledger"], running: readonly OpenRun[]): RunningNow[] {
  const scheduled = begunByScheduler(ledger)
  return running.map((run) => ({
    ...run,
    byScheduler: scheduled.has(run.run_id),
    moved: movedSince(ledger, new Date(run.started_at)),
  }))
}

function progressOf(totals: ReadonlyMap<string, Total>): Progress {
  const n = (name: string) => totals.get(name)?.count ?? 0
  return {
    studies: {
      complete: n("complete"),
      due: n("due"),
      eligible: n("studies.eligible"),
      outOfCohort: n("studies.out_of_cohort"),
      withdrawn: n("studies.withdrawn"),
    },
    objects: {
      copied: n("objects.copied"),
      bytes: totals.get("objects.copied")?.bytes ?? 0,
      waiting: n("objects.pending"),
      failed: n("objects.failed"),
      missing: n("objects.missing"),
    },
    series: { packed: n("series.packed"), waiting: n("series.waiting"), failed: n("series.failed") },
  }
}
