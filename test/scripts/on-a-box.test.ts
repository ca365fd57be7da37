import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type Hospital, openHospital } from "../support/hospital.ts"
import { PROJECT_ROOT, startScript } from "../support/process.ts"
import { boxOf, documentOf, ledgerOf, pathOf, script } from "../support/scripts.ts"

describe("a dry run", () => {
  test.each([
    ["discover", ["--list"]],
    ["copy", []],
    ["copy", ["--force", "--retry-failed"]],
    ["run", []],
    ["verify", ["--repair", "--read"]],
  ] as const)("of %s %p makes no ledger and changes none", async (name, words) => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    const nothing = await script(hospital, name, "--dry-run", "--json", ...words)
    // Without a ledger there is nothing to verify.
    expect(nothing.exitCode).toBe(name === "verify" ? 2 : 0)
    expect(boxOf(hospital)).toEqual({})
    await hospital.discoverAndCopy()
    await hospital.admit()
    hospital.cloud.delete(hospital.destination, study.imageKeys[0]!)
    const keys = () => hospital.cloud.keys(hospital.destination)
    const before = { ledger: ledgerOf(hospital), keys: keys() }
    const something = await script(hospital, name, "--dry-run", "--json", ...words)
    expect(something.exitCode).toBe(name === "verify" ? 1 : 0)
    // Of verify: what a repair would queue.
    expect(documentOf(something).queued).toBe(name === "verify" ? 1 : undefined)
    expect({ ledger: ledgerOf(hospital), keys: keys() }).toEqual(before)
  })

  test("of run tells what it would discover and what the ledger has to copy", async () => {
    using hospital = await openHospital()
    await hospital.admit()
    await hospital.discover()
    await hospital.admit()
    const { discovery, copy } = documentOf(await script(hospital, "run", "--dry-run", "--json"))
    expect(discovery).toMatchObject({ cohort: null, studies: { new: 1, unchanged: 1 } })
    expect(copy.totals).toMatchObject({ studies: 1, objects: 3 })
  })
})

describe("trouble", () => {
  test("with the database is one message on stderr with host and database, never the password: exit code 1", async () => {
    using hospital = await openHospital()
    hospital.env.SOURCE_DATABASE_PASS = "a-secret-that-is-wrong"
    const { exitCode, stdout, stderr } = await script(hospital, "discover", "--json")
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" })
    expect(stderr).toContain(
      `"${hospital.env.SOURCE_DATABASE_NAME}" at 127.0.0.1:${hospital.env.SOURCE_DATABASE_PORT}`,
    )
    expect(stderr.match(/^error:/gm)).toHaveLength(1)
    expect(stderr).not.toContain("a-secret")
    expect(boxOf(hospital)).toEqual({})
  })

  test.each([
    ["a bucket that is missing", { ORIGIN_URI: "s3://no-such-bucket" }, "no-such-bucket"],
    ["a ledger whose folder cannot be made", { LEDGER_PATH: "/dev/null/ledger.sqlite" }, "/dev/null"],
  ])("with %s is one message: exit code 1", async (_, env, told) => {
    using hospital = await openHospital()
    await hospital.admit()
    Object.assign(hospital.env, env)
    const { exitCode, stdout, stderr } = await script(hospital, "run", "--json")
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" })
    expect(stderr).toContain(told)
    expect(stderr.match(/^error:/gm)).toHaveLength(1)
    expect(hospital.cloud.keys(hospital.destination)).toEqual([])
  })

  test("with a study that verify does not know is a usage error", async () => {
    using hospital = await openHospital()
    await hospital.discover()
    const { exitCode, stderr } = await script(hospital, "verify", crypto.randomUUID())
    expect(exitCode).toBe(2)
    expect(stderr).toContain("the ledger does not know study")
  })
})

describe("signals", () => {
  test("status --watch shows the screen until SIGTERM, and ends with 143", async () => {
    using hospital = await openHospital()
    await hospital.discover()
    await using watching = startScript([pathOf("status"), "--watch"], { env: hospital.env })
    await watching.saysOnStdout("studies claimed now")
    watching.kill("SIGTERM")
    const { exitCode, stdout } = await watching.finished
    expect(exitCode).toBe(143)
    expect(stdout).toContain("Progress")
  })

  test("copy finishes what is in flight on SIGTERM, records the run as stopped, and ends with 143", async () => {
    using hospital = await openHospital()
    const studies = [await hospital.admit(), await hospital.admit()]
    await hospital.discover()
    const stalled = hospital.cloud.fail({ operation: "s3.get", key: "*.dcm", fault: { kind: "stall" } })
    await using copying = startScript([pathOf("copy"), "--json", "--concurrency", "1"], { env: hospital.env })
    await stalled.reached()
    copying.kill("SIGTERM")
    stalled.release()
    const finished = await copying.finished
    expect(finished.exitCode).toBe(143)
    expect(documentOf(finished).totals.studies).toBeLessThan(studies.length + 1)
    expect(hospital.rows("select outcome from runs where script = 'copy'")).toEqual([{ outcome: "stopped" }])
    expect(hospital.rows("select 1 from claims")).toEqual([])
    expect((await hospital.copy()).code).toBe(0)
    expect(hospital.cloud.keys(hospital.destination, "_receipts/")).toHaveLength(2)
  })
})

const sqlite3 = Bun.which("sqlite3")
if (sqlite3 === null) console.warn("sqlite3 is not installed: what its users see is not tested")

describe.skipIf(sqlite3 === null)("the ledger by hand, with the sqlite3 CLI, while a copy runs", () => {
  const ask = ({ ledgerPath }: Hospital, input: string) => {
    const { stdout, stderr, exitCode } = Bun.spawnSync([sqlite3!, "-bail", ledgerPath], {
      stdin: Buffer.from(input),
    })
    expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" })
    return stdout.toString()
  }

  test("shows progress, and every file of state/queries answers with what is in a real ledger", async () => {
    using hospital = await openHospital()
    const [whole, broken] = [await hospital.admit(), await hospital.admit()]
    hospital.cloud.delete(hospital.origin, broken.imageKeys[0]!)
    expect((await script(hospital, "schedule", "--once")).exitCode).toBe(1)
    const last = await hospital.admit()
    await hospital.discover()
    const stalled = hospital.cloud.fail({
      operation: "s3.get",
      key: last.imageKeys[0]!,
      fault: { kind: "stall" },
    })
    await using copying = startScript([pathOf("copy")], { env: hospital.env })
    await stalled.reached()
    expect(ask(hospital, "select * from progress;")).toMatch(/^studies claimed now\|[12]\|/m)
    const expected: Record<string, string> = {
      "bytes_per_day.sql": new Date().toISOString().slice(0, 10),
      "failures.sql": broken.imageKeys[0]!,
      "funnel.sql": "chosen_doctor|3",
      "locks.sql": "released|gs://",
      "packing.sql": "packed|1|0|0|0|20",
      "progress.sql": "studies complete|1|3|33.3 %",
      "recent_runs.sql": "running on",
      "schedule.sql": "asked for by --once|run 2|failed",
      "slowest_studies.sql": whole.studyId,
      "study_timeline.sql": "complete|receipt written",
    }
    for (const file of readdirSync(join(PROJECT_ROOT, "state/queries"))) {
      const query = readFileSync(join(PROJECT_ROOT, "state/queries", file), "utf8")
      const chosen = `.param init\n.param set :study "'${whole.studyId}'"\n${query}`
      expect(ask(hospital, chosen)).toContain(expected[file] ?? "an answer that this test knows")
    }
    stalled.release()
    expect((await copying.finished).exitCode).toBe(1)
  })
})
