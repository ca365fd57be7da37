import { zstdEngine } from "../cod/format/zstd.ts"
import { type HeldClaim, heldClaims } from "../ledger/claims.ts"
import type { Ledger } from "../ledger/open.ts"
import { readTotals } from "../ledger/totals.ts"
import {
  copyingSpans,
  type Failure,
  type FailureGroup,
  failureGroups,
  failureList,
  type HangingLock,
  type HourLine,
  hangingLocks,
  lastHours,
  ledgerVersions,
  type OpenRun,
  openRuns,
  type ProgressLine,
  progressLines,
  type Span,
  studyTimeline,
  type TimelineLine,
  type TroubledObject,
  warnings,
  wrongBytes,
} from "../ledger/views.ts"
import { delay } from "../support/clock.ts"
import { UsageError } from "../support/errors.ts"
import type { Stop } from "../support/stop.ts"
import { VERSION } from "../support/version.ts"

export interface Status {
  /** First of all: objects at the destination with bytes that must not be there. */
  readonly wrong_bytes: readonly TroubledObject[]
  /** Then what a person has to look at before anybody writes these series again. */
  readonly hanging_locks: readonly HangingLock[]
  readonly progress: readonly ProgressLine[]
  readonly running: readonly OpenRun[]
  /** Processes that ended without a word; the next copy takes over what they held. */
  readonly died: readonly OpenRun[]
  readonly claims: readonly HeldClaim[]
  readonly failures: readonly FailureGroup[]
  readonly warnings: readonly TroubledObject[]
  readonly last_hours: readonly HourLine[]
  /** Of the runs that are under way; null while none is. */
  readonly rate: Rate | null
}

export interface Rate {
  readonly objects_per_second: number
  readonly bytes_per_second: number
  /** Until what waits now is copied, at this rate; null before anything was. */
  readonly eta_seconds: number | null
}

/** Everything that an operator asks for first, read without a scan of the large tables. */
export function statusOf(ledger: Ledger): Status {
  return ledger.read(() => {
    const { running, died } = openRuns(ledger)
    const hours = lastHours(ledger, 24)
    return {
      wrong_bytes: wrongBytes(ledger),
      hanging_locks: hangingLocks(ledger),
      progress: progressLines(ledger),
      running,
      died,
      claims: heldClaims(ledger),
      failures: failureGroups(ledger),
      warnings: warnings(ledger, 20),
      last_hours: hours,
      rate: rateOf(ledger, running, hours),
    }
  })
}

/**
 * The ledger keeps what moved by the hour: this hour and the one before, over the part of them in which runs were at
 * work.
 */
export function rateOf(ledger: Ledger, running: readonly OpenRun[], hours: readonly HourLine[]): Rate | null {
  if (running.length === 0) return null
  const hourBefore = new Date(ledger.clock.now().getTime() - 3_600_000).toISOString().slice(0, 13)
  const seconds = Math.max(1, secondsIn(copyingSpans(ledger, `${hourBefore}:00:00.000Z`)))
  const recent = hours.filter(({ hour }) => hour >= hourBefore)
  const objects = recent.reduce((sum, { copied, adopted }) => sum + copied + adopted, 0) / seconds
  const waiting = readTotals(ledger.db).get("objects.pending")?.count ?? 0
  return {
    objects_per_second: round(objects),
    bytes_per_second: round(recent.reduce((sum, { bytes }) => sum + bytes, 0) / seconds),
    eta_seconds: objects > 0 ? Math.round(waiting / objects) : null,
  }
}

/** Of all spans together; where they overlap, once. */
function secondsIn(spans: readonly Span[]): number {
  let covered = 0
  let end = 0
  for (const { from, to } of spans) {
    const start = Math.max(end, Date.parse(from))
    end = Math.max(end, Date.parse(to))
    covered += Math.max(0, end - start)
  }
  return covered / 1000
}

/** Everything that happened to one study. @throws UsageError when the ledger does not know it */
export function timelineOf(ledger: Ledger, studyId: string): TimelineLine[] {
  const timeline = studyTimeline(ledger, studyId)
  if (timeline.length > 0) return timeline
  throw new UsageError(`the ledger does not know study ${studyId}`, "Run discover first.")
}

/** Every failure; a person reads no further than this. */
export function failuresOf(ledger: Ledger): Failure[] {
  return failureList(ledger, 10_000)
}

/** @throws UsageError when more than one view is asked for, or a document that never ends */
export function requireOneView(
  views: Readonly<Record<string, unknown>>,
  { json }: { readonly json: boolean },
) {
  const asked = Object.keys(views).filter((view) => views[view] !== undefined && views[view] !== false)
  if (asked.length > 1) {
    const flags = asked.map((view) => `--${view}`).join(" and ")
    throw new UsageError(`${flags} do not go together`, "Ask for one after the other.")
  }
  if (json && views.watch === true) {
    throw new UsageError("--watch and --json do not go together", "Ask for --json again and again.")
  }
}

const WATCH_MS = 2000

/**
 * Shows it anew until the stop is requested.
 * @throws UsageError with `json`, which promises one document
 */
export async function watch(show: () => Promise<void>, stop: Stop) {
  while (!stop.requested.aborted) {
    process.stdout.write(CLEAR_SCREEN)
    await show()
    await delay(WATCH_MS, stop.requested).catch((error: unknown) => {
      if (!stop.requested.aborted) throw error
    })
  }
}

/** ECMA-48: erase the display, cursor to the upper left. */
const CLEAR_SCREEN = "\x1b[2J\x1b[H"

export interface Versions {
  readonly tool: string
  readonly bun: string
  readonly sqlite: string
  /** Which software compresses a series' metadata. */
  readonly zstd: string
  readonly ledger_schema: number
}

export function versionsOf(ledger: Ledger): Versions {
  const { sqlite, ledger_schema } = ledgerVersions(ledger)
  return { tool: VERSION, bun: Bun.version, sqlite, zstd: zstdEngine(), ledger_schema }
}

function round(value: number): number {
  return Number(value.toPrecision(3))
}
