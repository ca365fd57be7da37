import { expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { openLedger } from "../../lib/ledger/open.ts"
import { openHospital } from "../support/hospital.ts"
import { startScript } from "../support/process.ts"
import { documentOf, pathOf, script } from "../support/scripts.ts"

test("a firing during a run of another process only discovers, and that run copies what was found", async () => {
  using hospital = await openHospital()
  const first = await hospital.admit()
  const stalled = hospital.cloud.fail({
    operation: "s3.get",
    key: first.imageKeys[0]!,
    fault: { kind: "stall" },
  })
  await using running = startScript([pathOf("schedule"), "--once", "--json"], { env: hospital.env })
  await stalled.reached()
  await hospital.admit()
  const meanwhile = await script(hospital, "schedule", "--once", "--json")
  expect(meanwhile.exitCode).toBe(0)
  expect(documentOf(meanwhile)).toMatchObject({ cohort: 2, studies: { new: 1, unchanged: 1 } })
  stalled.release()
  const finished = await running.finished
  expect(finished.exitCode).toBe(0)
  expect(documentOf(finished).totals).toMatchObject({ studies: 2, succeeded: 2 })
  expect(hospital.rows("select did, during_run, outcome from schedule order by firing_id")).toEqual([
    { did: "run", during_run: null, outcome: "done" },
    { did: "discover", during_run: 2, outcome: "done" },
  ])
})

test("it waits until SIGTERM, is alone on its ledger, and catches up at its next start", async () => {
  using hospital = await openHospital()
  await hospital.admit()
  // Due once a year, and not while this test runs.
  const month = ((new Date().getUTCMonth() + 6) % 12) + 1
  hospital.env.SCHEDULE_CRON = `0 2 1 ${month} *`
  await using waiting = startScript([pathOf("schedule")], { env: hospital.env })
  await waiting.saysOnStderr("waiting for the next run")
  const second = await script(hospital, "schedule")
  expect([second.exitCode, second.stderr]).toEqual([
    3,
    expect.stringContaining("schedule is running already"),
  ])
  waiting.kill("SIGTERM")
  const { exitCode, stdout } = await waiting.finished
  expect([exitCode, stdout]).toEqual([143, "0 runs, 0 failed\n"])
  expect(hospital.rows("select script, outcome from runs")).toEqual([
    { script: "schedule", outcome: "stopped" },
  ])
  const folder = dirname(hospital.ledgerPath)
  expect(readdirSync(join(folder, "backups"))).toHaveLength(1)
  const [day] = readdirSync(join(folder, "logs"))
  expect(readFileSync(join(folder, "logs", day!), "utf8")).toContain("waiting for the next run")

  {
    using ledger = openLedger(hospital.ledgerPath)
    ledger.db.run("update runs set ended_at = '2020-01-01T00:00:00.000Z'")
  }
  const dry = documentOf(await script(hospital, "schedule", "--dry-run", "--json"))
  expect(dry).toMatchObject({ catch_up: { reason: "missed" }, running: null })
  expect(dry.next).toHaveLength(5)
  const none = documentOf(await script(hospital, "schedule", "--dry-run", "--json", "--no-catch-up"))
  expect(none.catch_up).toBeNull()
  await using again = startScript([pathOf("schedule"), "--no-catch-up"], { env: hospital.env })
  await again.saysOnStderr("waiting for the next run")
  again.kill("SIGINT")
  expect((await again.finished).exitCode).toBe(130)
  expect(hospital.rows("select 1 from schedule")).toEqual([])
})
