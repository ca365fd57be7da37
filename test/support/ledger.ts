import { type Claim, claimStudy } from "../../lib/ledger/claims.ts"
import { recordCohort } from "../../lib/ledger/cohorts.ts"
import type { PlannedObject } from "../../lib/ledger/objects.ts"
import { type Ledger, type LedgerOptions, openLedger } from "../../lib/ledger/open.ts"
import { startRun } from "../../lib/ledger/runs.ts"
import type { DiscoveredStudy } from "../../lib/ledger/studies.ts"
import type { Clock } from "../../lib/support/clock.ts"
import { type Owner, thisProcess } from "../../lib/support/owner.ts"
import { type TempDir, tempDir } from "./temp.ts"

/** Stands still until it is told to move. */
export interface TestClock extends Clock {
  advance(ms: number): void
}

export const T0 = "2026-03-01T02:00:00.000Z"
export const HOUR = 3_600_000
export const DAY = 24 * HOUR

export function testClock(start = T0): TestClock {
  let at = new Date(start).getTime()
  return {
    now: () => new Date(at),
    delay: () => Promise.reject(new Error("nothing here waits by this clock")),
    advance(ms) {
      at += ms
    },
  }
}

/** A ledger in a folder of its own, with a run and a cohort in it. */
export interface TestLedger extends Disposable {
  readonly dir: TempDir
  readonly path: string
  readonly clock: TestClock
  readonly ledger: Ledger
  /** A run of this process. */
  readonly runId: number
  readonly cohortId: number
  /** Another connection to the same file, closed with the first. */
  reopen(options?: LedgerOptions): Ledger
}

export function testLedger(): TestLedger {
  const dir = tempDir("ledger")
  const path = dir.file("state", "ledger.sqlite")
  const clock = testClock()
  const opened: Ledger[] = []
  const reopen = (options: LedgerOptions = {}) => {
    const ledger = openLedger(path, { clock, ...options })
    opened.push(ledger)
    return ledger
  }
  const ledger = reopen()
  const runId = newRun(ledger)
  return {
    dir,
    path,
    clock,
    ledger,
    runId,
    cohortId: newCohort(ledger, runId),
    reopen,
    [Symbol.dispose]() {
      for (const one of opened) one[Symbol.dispose]()
      dir[Symbol.dispose]()
    },
  }
}

export function newRun(ledger: Ledger, owner: Owner = thisProcess()): number {
  return startRun(ledger, { script: "copy", arguments: ["--limit", "3"], version: "0.1.0", owner })
}

export function newCohort(ledger: Ledger, runId: number): number {
  const decision = { runId, rulesText: "chest", parameters: {}, ranking: [], funnel: [] }
  return recordCohort(ledger, decision)
}

/** Metadata, one report, two images: what a discovery reads of a usual study. */
export function chestStudy(studyId: string, differing: Partial<DiscoveredStudy> = {}): DiscoveredStudy {
  return {
    studyId,
    organizationId: "org",
    dicomStudyUid: "1.2.3",
    modalities: "CR",
    doctorRank: 2,
    newestSignedAt: "2026-02-01T00:00:00.000Z",
    listsOrigin: false,
    sourceHash: "v1",
    objects: [metadata(), report("r1"), image("i1"), image("i2")],
    ...differing,
  }
}

export function metadata(sourceHash = "v1"): PlannedObject {
  return { kind: "metadata", path: "metadata.json", sourceHash }
}

export function report(id: string, sourceHash = "v1"): PlannedObject {
  return { kind: "report", path: `reports/${id}.txt`, sourceId: id, sourceHash }
}

export function image(id: string, sourceHash = "v1"): PlannedObject {
  const source = `pacs/${id}.dcm`
  return { kind: "dicom", path: `dicom_files/s/${id}.dcm`, source, sourceId: id, seriesId: "s", sourceHash }
}

/** Claims a study that nobody holds. */
export function mustClaim(ledger: Ledger, runId: number, studyId: string): Claim {
  const claim = claimStudy(ledger, runId, studyId)
  if (claim === undefined) throw new Error(`somebody holds ${studyId}`)
  return claim
}

/** Rows of a query, as plain objects. */
export function rows<Row>(ledger: Ledger, sql: string): Row[] {
  return ledger.db.query<Row, []>(sql).all()
}
