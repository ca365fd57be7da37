import { describe, expect, test } from "bun:test"
import { claimSeries } from "../../../lib/ledger/cod/claims.ts"
import { seriesToPack } from "../../../lib/ledger/cod/series.ts"
import { seriesInFlight, studiesInFlight } from "../../../lib/ledger/page/in-flight.ts"
import { movedEver, movedSince } from "../../../lib/ledger/page/moved.ts"
import { begunByScheduler, lastEndedRun, latestRuns } from "../../../lib/ledger/page/runs.ts"
import { endRun, startRun } from "../../../lib/ledger/runs.ts"
import { firingBegan, recordFiring } from "../../../lib/ledger/schedule.ts"
import { recordStudy } from "../../../lib/ledger/studies.ts"
import { thisProcess } from "../../../lib/support/owner.ts"
import { beginAll, COPIED, complete, settle } from "../../support/copying.ts"
import { chestStudy, HOUR, mustClaim, type TestLedger, testLedger } from "../../support/ledger.ts"
import { copied, header } from "../../support/packing-ledger.ts"

const MINUTE = 60_000

describe("In flight", () => {
  test("are studies that somebody holds, with what of them is done", () => {
    using bench = testLedger()
    const { ledger, runId, cohortId, clock } = bench
    for (const id of ["a", "b", "c"]) recordStudy(ledger, chestStudy(id), cohortId)
    complete(bench, "a")
    const claim = mustClaim(ledger, runId, "b")
    const [first] = beginAll(ledger, claim)
    settle(ledger, claim, first!, COPIED)
    clock.advance(1000)
    mustClaim(ledger, runId, "c")
    expect(studiesInFlight(ledger)).toMatchObject([
      {
        studyId: "b",
        organizationId: "org",
        since: "2026-03-01T02:00:00.000Z",
        done: 1,
        objects: 4,
        bytes: 1_000,
      },
      { studyId: "c", since: "2026-03-01T02:00:01.000Z", done: 0, objects: 4, bytes: 0 },
    ])
  })

  test("is nothing of a process that has gone, or whose lease ended", () => {
    using bench = testLedger()
    const { ledger, runId, cohortId, clock } = bench
    recordStudy(ledger, chestStudy("a"), cohortId)
    copied(bench, "b", [header("1.2", 1)])
    mustClaim(ledger, runId, "a")
    claimSeries(ledger, runId, seriesToPack(ledger, "b")[0]!.seriesNo)
    expect([studiesInFlight(ledger), seriesInFlight(ledger)].map((held) => held.length)).toEqual([1, 1])
    ledger.db.run("update runs set process_start = '1'")
    expect([...studiesInFlight(ledger), ...seriesInFlight(ledger)]).toEqual([])
    ledger.db.run("update runs set host = 'elsewhere'")
    expect(studiesInFlight(ledger)).toHaveLength(1)
    clock.advance(61_000)
    expect([...studiesInFlight(ledger), ...seriesInFlight(ledger)]).toEqual([])
  })

  test("are series that somebody packs, by the study that they are of", () => {
    using bench = testLedger()
    const { ledger, runId } = bench
    copied(bench, "a", [header("1.2", 1), header("1.2", 2)])
    claimSeries(ledger, runId, seriesToPack(ledger, "a")[0]!.seriesNo)
    expect(seriesInFlight(ledger)).toMatchObject([{ studyId: "a", files: 2, runId }])
  })
})

describe("What moved since a moment", () => {
  test("is told to the minute within a day, and to the hour before", () => {
    using bench = testLedger()
    const { ledger, cohortId, clock } = bench
    const moved = (id: string) => {
      recordStudy(ledger, chestStudy(id), cohortId)
      complete(bench, id)
    }
    moved("a")
    clock.advance(10 * MINUTE)
    const start = clock.now()
    moved("b")
    expect(movedSince(ledger, start)).toMatchObject({ copied: 4, bytes: 4_000, completed: 1 })
    clock.advance(30 * HOUR)
    moved("c")
    expect(movedSince(ledger, start)).toMatchObject({ copied: 12, completed: 3 })
    expect(movedEver(ledger)).toMatchObject({ copied: 12, failed: 0, completed: 3 })
  })
})

describe("Runs", () => {
  const begin = ({ ledger }: TestLedger, script: string) =>
    startRun(ledger, { script, arguments: [], version: "0.1.0", owner: thisProcess() })

  test("are told newest first, with who began them", () => {
    using bench = testLedger()
    const { ledger } = bench
    const scheduler = begin(bench, "schedule")
    const firing = { schedulerRun: scheduler, reason: "due", dueAt: bench.clock.now(), did: "run" } as const
    const run = begin(bench, "run")
    firingBegan(ledger, recordFiring(ledger, firing), run)
    expect(latestRuns(ledger, 2)).toMatchObject([
      { runId: run, script: "run", byScheduler: 1, outcome: null },
      { runId: scheduler, byScheduler: 0 },
    ])
    expect([...begunByScheduler(ledger)]).toEqual([run])
  })

  test("that copied are remembered, whatever else ran since", () => {
    using bench = testLedger()
    const { ledger, runId } = bench
    expect(lastEndedRun(ledger)).toBeUndefined()
    endRun(ledger, runId, "failed", { studies: 3 })
    endRun(ledger, begin(bench, "verify"), "done", {})
    begin(bench, "run")
    expect(lastEndedRun(ledger)).toMatchObject({ runId, outcome: "failed", counts: `{"studies":3}` })
  })
})
