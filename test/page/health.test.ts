import { describe, expect, test } from "bun:test"
import type { Ledger } from "../../lib/ledger/open.ts"
import { endRun, type RunOutcome, startRun } from "../../lib/ledger/runs.ts"
import { endFiring, recordFiring } from "../../lib/ledger/schedule.ts"
import { healthRoute } from "../../lib/page/health/route.ts"
import { checkLastRun, checkScheduler } from "../../lib/page/health/runs.ts"
import { thisProcess } from "../../lib/support/owner.ts"
import { HOUR, type TestLedger, testLedger } from "../support/ledger.ts"
import { openTestPage } from "./access/pages.ts"

const GONE = { ...thisProcess(), pid: 2 ** 22 + 1 }
const ELSEWHERE = { ...thisProcess(), host: "another-box" }

/** A run of a script, with or without an end. @returns its id */
function begin(ledger: Ledger, script: string, outcome?: RunOutcome, owner = thisProcess()): number {
  const runId = startRun(ledger, { script, arguments: [], version: "0.1.0", owner })
  if (outcome !== undefined) endRun(ledger, runId, outcome, {})
  return runId
}

/** A ledger whose own run is none of those that are looked at. */
function benchOf(): TestLedger {
  const bench = testLedger()
  bench.ledger.db.run("update runs set script = 'status'")
  return bench
}

describe("the scheduler", () => {
  test("is fine where none ever ran, while it lives, and when somebody stopped it", () => {
    using bench = benchOf()
    const { ledger } = bench
    expect(checkScheduler(ledger)).toMatchObject({ status: "ok", detail: "none has run here" })
    begin(ledger, "schedule --once", "failed")
    expect(checkScheduler(ledger).status).toBe("ok")
    const runId = begin(ledger, "schedule")
    expect(checkScheduler(ledger)).toEqual({
      name: "scheduler",
      status: "ok",
      detail: `run ${runId} waits since ${ledger.now()}`,
    })
    endRun(ledger, runId, "stopped", {})
    expect(checkScheduler(ledger)).toMatchObject({
      status: "ok",
      detail: expect.stringContaining("was stopped"),
    })
  })

  test("is dead when its process is gone, until another one starts", () => {
    using bench = benchOf()
    const { ledger } = bench
    begin(ledger, "schedule", undefined, GONE)
    expect(checkScheduler(ledger)).toMatchObject({
      status: "failing",
      detail: expect.stringContaining("died without a word"),
    })
    // Whoever comes next writes so.
    begin(ledger, "status", "done")
    expect(checkScheduler(ledger).status).toBe("failing")
    begin(ledger, "schedule")
    expect(checkScheduler(ledger).status).toBe("ok")
  })

  test("of another host is dead when its lease has lapsed", () => {
    using bench = benchOf()
    begin(bench.ledger, "schedule", undefined, ELSEWHERE)
    expect(checkScheduler(bench.ledger).status).toBe("ok")
    bench.clock.advance(60_000)
    expect(checkScheduler(bench.ledger).status).toBe("failing")
  })

  test("is dead when an error ended it", () => {
    using bench = benchOf()
    begin(bench.ledger, "schedule", "failed")
    expect(checkScheduler(bench.ledger).status).toBe("failing")
  })
})

describe("the last run", () => {
  test.each([
    [[], "ok"],
    [["done"], "ok"],
    [["failed"], "failing"],
    [["crashed"], "failing"],
    [["failed", "done"], "ok"],
    [["done", "failed"], "failing"],
    [["failed", "stopped"], "ok"],
    [["failed", undefined], "ok"],
  ] as const)("after those that ended %p is %s", (outcomes, status) => {
    for (const script of ["run", "copy"]) {
      using bench = benchOf()
      for (const outcome of outcomes) begin(bench.ledger, script, outcome)
      begin(bench.ledger, "verify", "failed")
      expect(checkLastRun(bench.ledger).status).toBe(status)
    }
  })

  test("is that of run or copy, whichever began later", () => {
    using bench = benchOf()
    begin(bench.ledger, "copy", "failed")
    begin(bench.ledger, "run", "done")
    expect(checkLastRun(bench.ledger).status).toBe("ok")
    begin(bench.ledger, "copy", "failed")
    expect(checkLastRun(bench.ledger)).toMatchObject({
      status: "failing",
      detail: expect.stringMatching(/^run \d+ \(copy\)/),
    })
  })

  test("died when its process is gone", () => {
    using bench = benchOf()
    begin(bench.ledger, "run", undefined, GONE)
    expect(checkLastRun(bench.ledger)).toMatchObject({
      status: "failing",
      detail: expect.stringMatching(/died without a word/),
    })
  })

  test("may never have begun: then what the scheduler tried counts, until a run ends well", () => {
    using bench = benchOf()
    const { ledger, clock } = bench
    begin(ledger, "run", "done")
    clock.advance(HOUR)
    const firing = { schedulerRun: bench.runId, reason: "due", dueAt: clock.now(), did: "run" } as const
    const error = { class: "Unavailable", message: "the database does not answer" }
    endFiring(ledger, recordFiring(ledger, firing), { outcome: "failed", error })
    expect(checkLastRun(ledger)).toMatchObject({
      status: "failing",
      detail: expect.stringMatching(/failed: Unavailable: the database does not answer$/),
    })
    clock.advance(HOUR)
    begin(ledger, "run", "done")
    expect(checkLastRun(ledger).status).toBe("ok")
  })
})

describe("/healthz", () => {
  const SITE = { routes: [healthRoute], views: [] }
  const ROOMY = { SPOOL_BYTES: "1" }
  const LOGIN = { FLOWER_USER: "etl", FLOWER_PASSWORD: "p" }

  test("is 200 with every check while all is well, and 503 from a few seconds after that", async () => {
    await using page = await openTestPage(ROOMY, { bench: benchOf(), site: SITE })
    const well = await page.ask("/flower/healthz")
    expect([well.status, well.headers.get("content-type"), well.headers.get("cache-control")]).toEqual([
      200,
      "application/json;charset=utf-8",
      "no-store",
    ])
    const { status, checks } = (await well.json()) as { status: string; checks: { name: string }[] }
    expect([status, checks.map(({ name }) => name)]).toEqual([
      "ok",
      ["ledger", "scheduler", "last run", "ledger disk", "spool disk"],
    ])
    begin(page.bench.ledger, "run", "failed")
    expect((await page.ask("/healthz")).status).toBe(200)
    page.bench.clock.advance(5000)
    const ill = await page.ask("/healthz")
    expect([ill.status, await ill.json()]).toMatchObject([503, { status: "failing" }])
    expect((await page.ask("/healthz", { method: "HEAD" })).status).toBe(503)
  })

  test("is 503 when the disk is too small for the spool", async () => {
    await using page = await openTestPage({ SPOOL_BYTES: "9000 TB" }, { bench: benchOf(), site: SITE })
    const ill = await page.ask("/healthz")
    expect(ill.status).toBe(503)
    expect(await ill.text()).toMatch(
      /"name":"spool disk","status":"failing","detail":"[\d.]+ \w+ free in .*needed"/,
    )
  })

  test("tells whoever does not log in whether, and nobody but those who do why", async () => {
    await using page = await openTestPage({ ...ROOMY, ...LOGIN }, { bench: benchOf(), site: SITE })
    begin(page.bench.ledger, "run", "failed")
    const unknown = await page.ask("/healthz")
    expect([unknown.status, await unknown.json()]).toEqual([503, { status: "failing" }])
    const headers = { authorization: `Basic ${btoa("etl:p")}` }
    expect(await (await page.ask("/healthz", { headers })).text()).toContain("last run")
  })
})
