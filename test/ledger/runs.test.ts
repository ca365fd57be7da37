import { describe, expect, test } from "bun:test"
import { claimNext, heldClaims } from "../../lib/ledger/claims.ts"
import { chosenDoctors, completeCohort, recordCohort } from "../../lib/ledger/cohorts.ts"
import { closeDeadRuns, endRun, startRun } from "../../lib/ledger/runs.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { type Owner, thisProcess } from "../../lib/support/owner.ts"
import { chestStudy, HOUR, mustClaim, newRun, rows, T0, testLedger } from "../support/ledger.ts"

/** A process of this boot that is gone: its pid is ours, its start is not. */
const GONE: Owner = { ...thisProcess(), processStart: "1" }

describe("A run", () => {
  test("is recorded with what it was asked and who it is when it starts, and how it ended when it ends", () => {
    using bench = testLedger()
    const { ledger, clock } = bench
    const script = {
      script: "run",
      arguments: ["--limit", "3", `"'%`],
      version: "0.1.0",
      owner: thisProcess(),
    }
    const runId = startRun(ledger, script)
    clock.advance(HOUR)
    endRun(ledger, runId, "done", { studies: 3, bytes: 12 })
    const { host, bootId, pid, processStart } = thisProcess()
    expect(rows(ledger, `select * from runs where run_id = ${runId}`)).toEqual([
      {
        run_id: runId,
        script: "run",
        arguments: JSON.stringify(script.arguments),
        version: "0.1.0",
        host,
        boot_id: bootId,
        pid,
        process_start: processStart,
        started_at: T0,
        ended_at: "2026-03-01T03:00:00.000Z",
        outcome: "done",
        counts: '{"studies":3,"bytes":12}',
        alive_until: "2026-03-01T02:01:00.000Z",
      },
    ])
  })

  test("whose process is gone is closed as crashed by the next one, and loses its claims", () => {
    using bench = testLedger()
    const { ledger, clock } = bench
    recordStudy(ledger, chestStudy("a"), bench.cohortId)
    const crashed = newRun(ledger, GONE)
    expect(claimNext(ledger, crashed)?.studyId).toBe("a")
    clock.advance(HOUR)
    newRun(ledger)
    expect(rows(ledger, `select outcome, ended_at from runs where run_id = ${crashed}`)).toEqual([
      { outcome: "crashed", ended_at: "2026-03-01T03:00:00.000Z" },
    ])
    expect(heldClaims(ledger)).toEqual([])
    expect(closeDeadRuns(ledger)).toBe(0)
  })

  test.each([
    ["of another host", { ...GONE, host: "elsewhere" }],
    ["of another boot", { ...GONE, bootId: "before" }],
    ["that lives", thisProcess()],
    ["of which nobody knows when it started", { ...GONE, processStart: "unknown" }],
  ])("%s is never taken for dead", (_, owner) => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    const runId = newRun(bench.ledger, owner)
    mustClaim(bench.ledger, runId, "a")
    expect(closeDeadRuns(bench.ledger)).toBe(0)
    expect(heldClaims(bench.ledger)).toMatchObject([{ runId }])
  })
})

describe("A cohort", () => {
  const decision = {
    rulesText: "chest and signed",
    parameters: { rank_from: 2, rank_to: 6 },
    ranking: [
      { rank: 1, userId: "u1", studies: 9, chosen: false },
      { rank: 2, userId: "u2", studies: 7, chosen: true },
      { rank: 3, userId: "u3", studies: 7, chosen: true },
    ],
    funnel: [
      { rule: "non-demo", studies: 100 },
      { rule: "chest", studies: 24 },
    ],
  }

  test("keeps the ranking, the parameters, the rules and the funnel that decided it", () => {
    using bench = testLedger()
    const { ledger, runId } = bench
    const cohortId = recordCohort(ledger, { ...decision, runId })
    expect(
      rows(ledger, `select * from cohorts join rules using (rules_hash) where cohort_id = ${cohortId}`),
    ).toEqual([
      {
        cohort_id: cohortId,
        run_id: runId,
        decided_at: T0,
        rules_hash: expect.stringMatching(/^[0-9a-f]{16}$/),
        parameters: '{"rank_from":2,"rank_to":6}',
        funnel: '[{"rule":"non-demo","studies":100},{"rule":"chest","studies":24}]',
        counts: null,
        rules_text: "chest and signed",
      },
    ])
    expect(rows(ledger, "select rank, user_id, studies, chosen from doctors order by rank")).toEqual([
      { rank: 1, user_id: "u1", studies: 9, chosen: 0 },
      { rank: 2, user_id: "u2", studies: 7, chosen: 1 },
      { rank: 3, user_id: "u3", studies: 7, chosen: 1 },
    ])
  })

  test("shares the text of its rules with every other one that was decided by it", () => {
    using bench = testLedger()
    const { ledger, runId } = bench
    for (const rulesText of ["old", "old", "new"]) recordCohort(ledger, { ...decision, runId, rulesText })
    expect(rows(ledger, "select rules_text from rules where rules_text <> 'chest' order by 1")).toEqual([
      { rules_text: "new" },
      { rules_text: "old" },
    ])
  })

  test("says what it found once all of it was read", () => {
    using bench = testLedger()
    completeCohort(bench.ledger, bench.cohortId, { new: 3 })
    expect(rows(bench.ledger, "select counts from cohorts")).toEqual([{ counts: '{"new":3}' }])
  })

  test("tells for a study the doctors that were chosen when it was planned", () => {
    using bench = testLedger()
    const { ledger, runId } = bench
    const cohortId = recordCohort(ledger, { ...decision, runId })
    recordStudy(ledger, chestStudy("a"), cohortId)
    recordCohort(ledger, { ...decision, runId, ranking: [] })
    expect(chosenDoctors(ledger, "a")).toEqual([
      { userId: "u2", rank: 2 },
      { userId: "u3", rank: 3 },
    ])
  })
})
