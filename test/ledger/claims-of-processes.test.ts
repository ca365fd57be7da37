import { describe, expect, test } from "bun:test"
import { beginAttempts } from "../../lib/ledger/attempts.ts"
import { claimNext, claimStudy, heldClaims } from "../../lib/ledger/claims.ts"
import { objectsOf } from "../../lib/ledger/objects.ts"
import { closeDeadRuns } from "../../lib/ledger/runs.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { dueStudies } from "../../lib/ledger/study-lists.ts"
import { wrongTotals } from "../../lib/ledger/totals.ts"
import { startChild } from "../support/children.ts"
import { chestStudy, newRun, rows, type TestLedger, testLedger } from "../support/ledger.ts"

const CHILD = "test/ledger/claim-child.ts"

/** Another process claims the only study and is killed. @returns its run */
async function killHolder(bench: TestLedger): Promise<number> {
  const holder = await startChild([CHILD, bench.path], "holds a")
  await holder.kill()
  return rows<{ id: number }>(bench.ledger, "select max(run_id) as id from runs")[0]!.id
}

describe("A claim whose process was killed", () => {
  test("is not free while the process lives", async () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    await using holder = await startChild([CHILD, bench.path], "holds a")
    expect(closeDeadRuns(bench.ledger)).toBe(0)
    expect(claimNext(bench.ledger, bench.runId)).toBeUndefined()
    expect(claimStudy(bench.ledger, bench.runId, "a")).toBeUndefined()
    expect(heldClaims(bench.ledger)).toMatchObject([{ studyId: "a", pid: holder.pid }])
  })

  test("is free at once for the next run that starts, whose run says that it crashed", async () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    const dead = await killHolder(bench)
    const next = newRun(bench.ledger)
    expect(rows(bench.ledger, `select outcome from runs where run_id = ${dead}`)).toEqual([
      { outcome: "crashed" },
    ])
    expect(claimNext(bench.ledger, next)?.studyId).toBe("a")
  })

  test("is free at once for who names the study", async () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    await killHolder(bench)
    expect(claimStudy(bench.ledger, bench.runId, "a")?.studyId).toBe("a")
  })

  test("is free at once for a run that was there before it", async () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    await killHolder(bench)
    expect(closeDeadRuns(bench.ledger)).toBe(1)
    expect(heldClaims(bench.ledger)).toEqual([])
    const claim = claimNext(bench.ledger, bench.runId)
    expect(claim?.studyId).toBe("a")
    expect(beginAttempts(bench.ledger, claim!, objectsOf(bench.ledger, "a"))).toHaveLength(4)
  })
})

test("Processes that claim at one moment share the studies and never get the same one", async () => {
  using bench = testLedger()
  const ids = Array.from({ length: 120 }, (_, index) => `s${String(index).padStart(3, "0")}`)
  bench.ledger.write(() => {
    for (const id of ids) recordStudy(bench.ledger, chestStudy(id), bench.cohortId)
  })
  const started = Array.from({ length: 3 }, () => startChild([CHILD, bench.path], "holds s"))
  const children = await Promise.all(started)
  await Promise.all(children.map((child) => child.go()))
  const taken = await Promise.all(children.map(async (child) => JSON.parse(await child.output()) as string[]))
  expect(taken.flat().sort()).toEqual(ids)
  expect(rows(bench.ledger, "select distinct try, outcome from copy_attempts")).toEqual([
    { try: 1, outcome: "copied" },
  ])
  expect(heldClaims(bench.ledger)).toEqual([])
  expect(dueStudies(bench.ledger)).toEqual([])
  expect(wrongTotals(bench.ledger)).toEqual([])
})
