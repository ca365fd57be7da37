import { describe, expect, test } from "bun:test"
import { RunUnderWay } from "../../lib/ledger/errors.ts"
import { type Ledger, openLedger } from "../../lib/ledger/open.ts"
import { endRun, type RunOutcome, startRun } from "../../lib/ledger/runs.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import type { FiringTotals, JobEnd } from "../../lib/operate/firings.ts"
import { schedule, scheduleOnce } from "../../lib/operate/schedule.ts"
import { outlook } from "../../lib/operate/schedule-outlook.ts"
import { cronTimes } from "../../lib/support/cron.ts"
import { AppError } from "../../lib/support/errors.ts"
import { silentLogger } from "../../lib/support/log.ts"
import { type Owner, thisProcess } from "../../lib/support/owner.ts"
import { chestStudy, newCohort, rows } from "../support/ledger.ts"
import { tempDir } from "../support/temp.ts"
import { waitingClock } from "../support/waiting-clock.ts"

const NOON = "2026-03-01T12:00:00.000Z"
const at = (day: number, time = "02:00") => `2026-03-0${day}T${time}:00.000Z`
const NIGHTLY = { cron: "0 2 * * *", timezone: "UTC" }
const GONE: Owner = { ...thisProcess(), processStart: "1" }

/** A job that a scheduler began. */
interface Begun {
  readonly script: "run" | "discover"
  readonly runId: number
  end(outcome?: RunOutcome, how?: { readonly error?: Error; readonly isWhole?: boolean }): Promise<void>
}

/** A ledger, a clock, and jobs that last until the test ends them. */
function openBench(start = NOON) {
  const dir = tempDir("schedule")
  const clock = waitingClock(start)
  const ledger = openLedger(dir.file("ledger.sqlite"), { clock })
  const begun: Begun[] = []
  const reported: unknown[] = []
  const backups: string[] = []
  const stopping = new AbortController()
  const stop = { requested: stopping.signal, forced: new AbortController().signal }

  const job = (script: "run" | "discover") => (began: (runId: number) => void) =>
    new Promise<JobEnd>((resolve, reject) => {
      const runId = newRun(ledger, script, { alone: script === "run" })
      began(runId)
      const end: Begun["end"] = async (outcome = "done", { error, isWhole = true } = {}) => {
        endRun(ledger, runId, outcome, {})
        if (error === undefined) resolve({ isWell: outcome === "done", isWhole })
        else reject(error)
        await settled()
      }
      begun.push({ script, runId, end })
    })
  const deps = () => ({
    ledger,
    runId: newRun(ledger, "schedule", { alone: true }),
    times: cronTimes(NIGHTLY.cron, NIGHTLY.timezone),
    jobs: { run: async (began: (id: number) => void) => job("run")(began), discover: job("discover") },
    log: silentLogger(),
    report: async (error: unknown) => void reported.push(error),
    backup: async () => {
      backups.push(clock.now().toISOString())
      if (backups.length === 2) throw new Error("no room")
    },
  })
  return {
    clock,
    ledger,
    begun,
    reported,
    backups,
    stopping,
    last: () => begun.at(-1)!,
    start(catchUp = true): Promise<FiringTotals> {
      return schedule(deps(), { catchUp }, stop)
    },
    once: () => scheduleOnce(deps(), stop),
    firings: () =>
      rows<Record<string, unknown>>(
        ledger,
        "select reason, due_at, did, during_run, job_run, outcome from schedule order by firing_id",
      ),
    [Symbol.dispose]() {
      stopping.abort()
      ledger[Symbol.dispose]()
      dir[Symbol.dispose]()
    },
  }
}

/** All that follows without waiting for time has happened. */
async function settled() {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
}

interface RunChoice {
  readonly owner?: Owner
  readonly alone?: boolean
}

function newRun(ledger: Ledger, script: string, { owner = thisProcess(), alone = false }: RunChoice = {}) {
  return startRun(ledger, { script, arguments: [], version: "0", owner, alone })
}

describe("A scheduler", () => {
  test("runs the job whenever it is time, and the ledger tells of each", async () => {
    using bench = openBench()
    void bench.start()
    await bench.clock.moveTo(at(2, "01:59"))
    expect(bench.begun).toEqual([])
    await bench.clock.moveTo(at(2))
    await bench.last().end()
    await bench.clock.moveTo(at(3))
    await bench.last().end("failed")
    expect(bench.firings()).toMatchObject([
      { reason: "due", due_at: at(2), did: "run", job_run: bench.begun[0]!.runId, outcome: "done" },
      { reason: "due", due_at: at(3), did: "run", job_run: bench.begun[1]!.runId, outcome: "failed" },
    ])
    expect(rows(bench.ledger, "select due_at, why, did, outcome from recent_firings")).toEqual([
      { due_at: at(3), why: "on time", did: `run ${bench.begun[1]!.runId}`, outcome: "failed" },
      { due_at: at(2), why: "on time", did: `run ${bench.begun[0]!.runId}`, outcome: "done" },
    ])
  })

  test("goes on after a job that broke, and records why it did", async () => {
    using bench = openBench()
    void bench.start()
    await bench.clock.moveTo(at(2))
    const error = new AppError("no database", { verdict: "retry" })
    await bench.last().end("failed", { error })
    expect(bench.reported).toContain(error)
    await bench.clock.moveTo(at(3))
    expect(rows(bench.ledger, "select outcome, error from recent_firings order by due_at")).toEqual([
      { outcome: "failed", error: "AppError: no database" },
      { outcome: "under way", error: "" },
    ])
  })

  test("sees every hour to the day's backup, also after one that failed", async () => {
    using bench = openBench()
    void bench.start()
    await settled()
    await bench.clock.moveTo("2026-03-01T15:00:00.000Z")
    expect(bench.backups.map((time) => time.slice(11, 16))).toEqual(["12:00", "13:00", "14:00", "15:00"])
    expect(bench.reported).toEqual([new Error("no room")])
  })

  test("ends when it is asked to, after what is under way, and fires no more", async () => {
    using bench = openBench()
    const scheduling = bench.start()
    await bench.clock.moveTo(at(2))
    bench.stopping.abort()
    await bench.clock.moveTo(at(4))
    expect(bench.begun).toHaveLength(1)
    await bench.last().end("stopped")
    expect(await scheduling).toMatchObject({ runs: 1, failed: 0 })
    expect(bench.firings()).toMatchObject([{ outcome: "stopped" }])
  })

  test("fires once for all that a sleeping box slept through, and not again when its clock is put back", async () => {
    using bench = openBench()
    void bench.start()
    await settled()
    bench.clock.jumpTo(at(4, "09:00"))
    await bench.clock.moveTo(at(4, "09:02"))
    await bench.last().end()
    bench.clock.jumpTo(at(2, "01:00"))
    await bench.clock.moveTo(at(4, "23:00"))
    expect(bench.firings()).toMatchObject([{ due_at: at(2) }])
    await bench.clock.moveTo(at(5, "02:01"))
    expect(bench.firings()).toMatchObject([{ due_at: at(2) }, { due_at: at(5) }])
  })

  test("is the only one of its ledger, unless it fires just once", async () => {
    using bench = openBench()
    void bench.start()
    expect(() => bench.start()).toThrow(RunUnderWay)
    newRun(bench.ledger, "schedule --once")
  })
})

describe("While a run lasts", () => {
  test("the next firing only discovers, and the one after that does nothing while even this lasts", async () => {
    using bench = openBench()
    const scheduling = bench.start()
    await bench.clock.moveTo(at(2))
    const [run] = bench.begun
    await bench.clock.moveTo(at(4))
    const during = { reason: "due", during_run: run!.runId }
    expect(bench.firings()).toMatchObject([
      { did: "run", outcome: null },
      { ...during, due_at: at(3), did: "discover", job_run: bench.last().runId, outcome: null },
      { ...during, due_at: at(4), did: "nothing", job_run: null },
    ])
    expect(bench.begun.map(({ script }) => script)).toEqual(["run", "discover"])
    await bench.last().end()
    await run!.end()
    await bench.clock.moveTo(at(5))
    expect(bench.last().script).toBe("run")
    bench.stopping.abort()
    await bench.last().end()
    expect(await scheduling).toEqual({ runs: 2, discoveries: 1, skipped: 1, caught_up: 0, failed: 0 })
  })

  test("of another process, a firing only discovers for it", async () => {
    using bench = openBench()
    void bench.start()
    await bench.clock.moveTo("2026-03-02T01:59:30.000Z")
    const byHand = newRun(bench.ledger, "run")
    await bench.clock.moveTo(at(2))
    expect(bench.begun.map(({ script }) => script)).toEqual(["discover"])
    expect(bench.firings()).toMatchObject([
      { did: "discover", during_run: byHand, job_run: bench.last().runId, outcome: null },
    ])
    await bench.last().end()
    expect(bench.firings()).toMatchObject([{ outcome: "done" }])
  })

  test.each([
    ["of a process that is gone", GONE],
    ["of another host that has said nothing for a minute", { ...thisProcess(), host: "elsewhere" }],
  ])("%s, it is not taken for one", async (_, owner) => {
    using bench = openBench()
    newRun(bench.ledger, "run", { owner })
    void bench.start()
    await bench.clock.moveTo(at(2))
    expect(bench.last().script).toBe("run")
  })

  test("what is discovered too late for it is run for afterwards", async () => {
    using bench = openBench()
    void bench.start()
    await bench.clock.moveTo(at(3))
    const [run, discovery] = bench.begun
    await run!.end()
    recordStudy(bench.ledger, chestStudy("a"), newCohort(bench.ledger, discovery!.runId))
    await discovery!.end()
    expect(bench.firings().at(-1)).toMatchObject({ reason: "left over", due_at: at(3), did: "run" })
    await bench.last().end()
    expect(bench.firings()).toHaveLength(3)
  })

  test("what is discovered for it waits for the next time when a limit has ended it", async () => {
    using bench = openBench()
    void bench.start()
    await bench.clock.moveTo(at(3))
    const [run, discovery] = bench.begun
    await run!.end("done", { isWhole: false })
    recordStudy(bench.ledger, chestStudy("a"), newCohort(bench.ledger, discovery!.runId))
    await discovery!.end()
    expect(bench.firings()).toHaveLength(2)
  })

  test("and took all that was discovered, nothing follows", async () => {
    using bench = openBench()
    void bench.start()
    await bench.clock.moveTo(at(3))
    const [run, discovery] = bench.begun
    await discovery!.end()
    await run!.end()
    expect(bench.firings()).toHaveLength(2)
  })
})

describe("At its start a scheduler", () => {
  /** A scheduler that lived for a while and ended as it is told. */
  async function before(bench: ReturnType<typeof openBench>, until: string, outcome: RunOutcome = "stopped") {
    const id = newRun(bench.ledger, "schedule")
    bench.clock.jumpTo(until)
    endRun(bench.ledger, id, outcome, {})
  }

  test("has missed nothing where none was before", async () => {
    using bench = openBench()
    void bench.start()
    await settled()
    expect(bench.firings()).toEqual([])
  })

  test("makes up once for several runs that were missed", async () => {
    using bench = openBench()
    before(bench, at(1, "13:00"))
    bench.clock.jumpTo(at(5, "09:00"))
    expect(outlook(bench.ledger, NIGHTLY, { catchUp: true })).toMatchObject({
      catch_up: { reason: "missed", due_at: at(5) },
      next: expect.arrayContaining([at(6)]),
    })
    void bench.start()
    await settled()
    await bench.last().end()
    expect(bench.firings()).toMatchObject([{ reason: "missed", due_at: at(5), did: "run", outcome: "done" }])
  })

  test.each([
    ["nothing was due meanwhile", at(2, "01:00"), true],
    ["it is not wanted", at(5, "09:00"), false],
  ])("makes up for nothing when %s", async (_, now, wanted) => {
    using bench = openBench()
    before(bench, at(1, "13:00"))
    bench.clock.jumpTo(now)
    void bench.start(wanted)
    await settled()
    expect(bench.firings()).toEqual([])
  })

  test("makes up for nothing when somebody ran the job by hand since it was due", async () => {
    using bench = openBench()
    before(bench, at(1, "13:00"))
    bench.clock.jumpTo(at(2, "08:00"))
    endRun(bench.ledger, newRun(bench.ledger, "run"), "done", {})
    void bench.start()
    await settled()
    expect(bench.firings()).toEqual([])
  })

  test("makes up for what was due after the last one died without a word", async () => {
    using bench = openBench()
    newRun(bench.ledger, "schedule", { owner: { ...thisProcess(), bootId: "before the power went" } })
    bench.clock.jumpTo(at(2, "09:00"))
    void bench.start()
    await settled()
    expect(bench.firings()).toMatchObject([{ reason: "missed", due_at: at(2) }])
  })

  test.each(["stopped", "crashed"] as const)("goes on with a run that was %s", async (outcome) => {
    using bench = openBench()
    const first = bench.start()
    await bench.clock.moveTo(at(2))
    bench.stopping.abort()
    await bench.last().end(outcome)
    await first
    rows(bench.ledger, "update runs set ended_at = '2026-03-02T02:10:00.000Z' where script = 'schedule'")
    bench.clock.jumpTo(at(2, "02:11"))
    expect(outlook(bench.ledger, NIGHTLY, { catchUp: true }).catch_up).toEqual({
      reason: "cut off",
      due_at: at(2),
    })
  })
})

describe("Asked to fire once", () => {
  test("it runs the job and is done, for good or ill", async () => {
    using bench = openBench()
    const firing = bench.once()
    await settled()
    await bench.last().end("failed")
    expect(await firing).toEqual({ runs: 1, discoveries: 0, skipped: 0, caught_up: 0, failed: 1 })
    expect(bench.firings()).toMatchObject([{ reason: "asked", due_at: NOON, did: "run", outcome: "failed" }])
  })

  test("it only discovers for a run that is under way", async () => {
    using bench = openBench()
    const other = newRun(bench.ledger, "run")
    const firing = bench.once()
    await settled()
    await bench.last().end()
    expect(await firing).toMatchObject({ runs: 0, discoveries: 1, failed: 0 })
    expect(bench.firings()).toMatchObject([{ did: "discover", during_run: other, outcome: "done" }])
  })
})
