import { describe, expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import packageJson from "../../package.json" with { type: "json" }
import { type Chest, DOCTOR } from "../support/chest.ts"
import { type Hospital, openHospital } from "../support/hospital.ts"
import { type Finished, PROJECT_ROOT, runScript, startScript } from "../support/process.ts"

// What only a process of its own shows: words, documents, streams, exit codes, signals.

const NAMES = ["discover", "copy", "run", "status", "verify", "demo"] as const
type Name = (typeof NAMES)[number]

const path = (name: Name) => `scripts/${name}.ts`
const script = ({ env }: Hospital, name: Name, ...words: string[]) =>
  runScript([path(name), ...words], { env })

/** The document on standard output, which has nothing else. */
function documentOf({ stdout }: Finished) {
  return JSON.parse(stdout)
}

/** Every line of standard error is a log line of its own. */
function logOf({ stderr }: Finished): { level: string; msg: string }[] {
  return stderr
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
}

function filesBelow(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {}
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [name, Bun.hash(readFileSync(join(parentPath, name))).toString()]),
  )
}

const boxOf = ({ ledgerPath }: Hospital) => filesBelow(dirname(ledgerPath))

/** To the byte, with what SQLite has not yet written into it: nothing. Who only looks leaves an empty file for that. */
function ledgerOf({ ledgerPath }: Hospital): string {
  const log = Bun.file(`${ledgerPath}-wal`)
  expect(log.size).toBe(0)
  return Bun.hash(readFileSync(ledgerPath)).toString()
}

describe("every script", () => {
  test.each(NAMES)(
    "%s --help tells what it does, an example and the exit codes, without any configuration",
    async (name) => {
      const { exitCode, stdout, stderr } = await runScript([path(name), "--help"])
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" })
      expect(stdout).toContain(`Usage: bun scripts/${name}.ts`)
      expect(stdout).toMatch(new RegExp(`^Example:\n  bun scripts/${name}\\.ts `, "m"))
      expect(stdout).toContain("Exit codes:\n  0 ")
      expect(stdout).toContain("130/143")
      expect(stdout).toContain("--json")
      expect(stdout.includes("--dry-run")).toBe(["discover", "copy", "run", "verify"].includes(name))
    },
  )

  test("has a name in package.json and no more than what an operator runs", () => {
    const files = readdirSync(join(PROJECT_ROOT, "scripts")).filter((file) => file.endsWith(".ts"))
    expect(files.sort()).toEqual(NAMES.map((name) => `${name}.ts`).sort())
    for (const name of NAMES) expect(packageJson.scripts[name]).toContain(path(name))
  })

  const wrong: readonly [Name, readonly string[], string][] = [
    ["copy", ["--limit", "x"], "--limit"],
    ["discover", ["--limit=-1"], "--limit"],
    ["copy", ["--fast"], "--fast"],
    ["copy", ["not-a-uuid"], "not-a-uuid"],
    ["verify", ["'; drop table studies; --"], "drop table"],
    ["status", ["--watch", "--json"], "--watch"],
    ["run", ["something"], "argument"],
  ]
  test.each(wrong)(
    "%s %p is a usage error that names it: exit code 2, nothing touched",
    async (name, words, named) => {
      using hospital = await openHospital()
      const { exitCode, stdout, stderr } = await script(hospital, name, ...words)
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" })
      expect(stderr).toContain(named)
      expect(boxOf(hospital)).toEqual({})
      expect(hospital.cloud.log.entries).toEqual([])
    },
  )

  test("names every wrong variable in one message and touches nothing: exit code 2", async () => {
    using hospital = await openHospital()
    const env = {
      LEDGER_PATH: hospital.ledgerPath,
      RANK_FROM: "7",
      RANK_TO: "2",
      STALL_SECONDS: "soon",
      GCS_BUCKET_NAME: "b",
    }
    const { exitCode, stdout, stderr } = await runScript([path("run")], {
      env: { ...env, DESTINATION_URI: "gs://another" },
    })
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" })
    for (const name of [
      "SOURCE_DATABASE_HOST",
      "SOURCE_DATABASE_PASS",
      "ORIGIN_URI",
      "RANK_FROM",
      "STALL_SECONDS",
      "GCS_BUCKET_NAME",
    ])
      expect(stderr).toContain(name)
    expect(stderr.match(/^error:/gm)).toHaveLength(1)
    expect(boxOf(hospital)).toEqual({})
  })
})

describe("documents", () => {
  /** One complete study and one of which an image is missing. */
  async function twoStudies(): Promise<{ hospital: Hospital; whole: Chest; broken: Chest }> {
    const hospital = await openHospital()
    const [whole, broken] = [await hospital.admit(), await hospital.admit()]
    hospital.cloud.delete(hospital.origin, broken.imageKeys[0]!)
    return { hospital, whole, broken }
  }

  const STUDY_KEYS = [
    "study_id",
    "organization_id",
    "success",
    "dicom_files_uploaded",
    "reports_uploaded",
    "metadata_uploaded",
    "errors",
    "skipped",
    "bytes",
    "seconds",
  ]

  test("discover --json has cohort, ranking, funnel and counts; with --list the eligible studies, too", async () => {
    const { hospital, whole, broken } = await twoStudies()
    using _ = hospital
    const plain = await script(hospital, "discover", "--json")
    expect(plain.exitCode).toBe(0)
    expect(documentOf(plain)).toEqual({
      cohort: 1,
      ranking: [{ rank: 1, user_id: DOCTOR, studies: 2 }],
      funnel: [
        "exists",
        "non_demo_organization",
        "not_migrated",
        "chest",
        "has_cr_or_dx",
        "no_other_modality",
        "signed_report",
        "chosen_doctor",
      ].map((rule) => ({ rule, studies: 2 })),
      studies: { new: 2, changed: 0, unchanged: 0, withdrawn: 0, out_of_cohort: 0, eligible: 2 },
    })
    const { eligible, studies } = documentOf(await script(hospital, "discover", "--json", "--list"))
    expect(studies).toMatchObject({ new: 0, unchanged: 2, eligible: 2 })
    expect(eligible).toEqual(
      [whole, broken]
        .sort((a, b) => (a.studyId < b.studyId ? -1 : 1))
        .map(({ studyId, rows }) => ({
          study_id: studyId,
          report_ids: rows.pacs_reports.map(({ id }) => id),
          doctor_ranks: [1],
        })),
    )
  })

  test("run --json and copy --json have studies and totals; logs go to stderr; what failed is exit code 1", async () => {
    const { hospital, whole, broken } = await twoStudies()
    using _ = hospital
    const ran = await script(hospital, "run", "--json")
    expect(ran.exitCode).toBe(1)
    const document = documentOf(ran)
    expect(Object.keys(document)).toEqual(["studies", "totals"])
    for (const study of document.studies) expect(Object.keys(study)).toEqual(STUDY_KEYS)
    expect(
      document.studies.find(({ study_id }: { study_id: string }) => study_id === whole.studyId),
    ).toMatchObject({
      organization_id: whole.organizationId,
      success: true,
      dicom_files_uploaded: 1,
      reports_uploaded: 1,
      metadata_uploaded: true,
      errors: [],
      skipped: 0,
    })
    expect(document.totals).toMatchObject({ studies: 2, succeeded: 1, failed: 1 })
    expect(
      logOf(ran)
        .map(({ level, msg }) => `${level} ${msg}`)
        .sort(),
    ).toEqual(["INFO copied", "WARNING not complete"])

    const copied = await script(hospital, "copy", "--json", whole.studyId)
    expect(copied.exitCode).toBe(0)
    expect(documentOf(copied).studies).toMatchObject([
      { study_id: whole.studyId, success: true, skipped: 3, bytes: 0 },
    ])
    const refused = await script(
      hospital,
      "copy",
      "--json",
      crypto.randomUUID(),
      broken.studyId.toUpperCase(),
    )
    expect(refused.exitCode).toBe(1)
    expect(documentOf(refused).studies).toMatchObject([
      { organization_id: null, success: false, errors: ["not eligible: fails the rule exists"] },
      { study_id: broken.studyId, success: false },
    ])
  })

  test("verify, status and its kinds print one document each", async () => {
    const { hospital, whole } = await twoStudies()
    using _ = hospital
    await hospital.run()
    const verified = await script(hospital, "verify", "--json")
    expect(verified.exitCode).toBe(0)
    expect(documentOf(verified)).toEqual({
      studies: 2,
      objects: 5,
      bytes: expect.any(Number),
      busy: 0,
      problems: [],
      queued: 0,
      finished: true,
    })
    const kinds = [[], ["--failures"], ["--study", whole.studyId], ["--versions"]]
    const documents = await Promise.all(kinds.map((words) => script(hospital, "status", "--json", ...words)))
    expect(documents.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(
      kinds.map(() => ({ exitCode: 0, stderr: "" })),
    )
    const [status, failures, timeline, versions] = documents.map(documentOf)
    expect(Object.keys(status)[0]).toBe("wrong_bytes")
    expect(failures).toMatchObject([{ verdict: "missing", error_class: "NotFound" }])
    expect(timeline.at(-1)).toMatchObject({ what: "complete" })
    expect(Object.keys(versions)).toEqual(["tool", "bun", "sqlite", "ledger_schema"])
  })

  test("people get the same in words, and who pipes it gets no bar and no colour", async () => {
    const { hospital, broken } = await twoStudies()
    using _ = hospital
    const { stdout, stderr, exitCode } = await script(hospital, "run")
    expect(exitCode).toBe(1)
    for (const words of [
      "Ranking (* chosen)",
      "Funnel",
      `not complete: ${broken.studyId}`,
      "2 studies: 1 complete, 1 not",
    ])
      expect(stdout).toContain(words)
    expect(stdout + stderr).not.toContain("\x1b")
  })
})

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
    expect({ code: nothing.exitCode, stderr: nothing.stderr }).toEqual({ code: 0, stderr: "" })
    expect(boxOf(hospital)).toEqual({})
    await hospital.run()
    await hospital.admit()
    hospital.cloud.delete(hospital.destination, study.imageKeys[0]!)
    const keys = () => hospital.cloud.keys(hospital.destination)
    const before = { ledger: ledgerOf(hospital), keys: keys() }
    const something = await script(hospital, name, "--dry-run", "--json", ...words)
    expect(something.exitCode).toBe(name === "verify" ? 1 : 0)
    documentOf(something)
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
    const { exitCode, stderr } = await script(hospital, "verify", crypto.randomUUID())
    expect(exitCode).toBe(2)
    expect(stderr).toContain("the ledger does not know study")
  })
})

describe("signals", () => {
  test("status --watch shows the screen until SIGTERM, and ends with 143", async () => {
    using hospital = await openHospital()
    await hospital.discover()
    await using watching = startScript([path("status"), "--watch"], { env: hospital.env })
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
    await using copying = startScript([path("copy"), "--json", "--concurrency", "1"], { env: hospital.env })
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
    await hospital.run()
    const last = await hospital.admit()
    await hospital.discover()
    const stalled = hospital.cloud.fail({
      operation: "s3.get",
      key: last.imageKeys[0]!,
      fault: { kind: "stall" },
    })
    await using copying = startScript([path("copy")], { env: hospital.env })
    await stalled.reached()
    expect(ask(hospital, "select * from progress;")).toMatch(/^studies claimed now\|[12]\|/m)
    const expected: Record<string, string> = {
      "bytes_per_day.sql": new Date().toISOString().slice(0, 10),
      "failures.sql": broken.imageKeys[0]!,
      "funnel.sql": "chosen_doctor|3",
      "progress.sql": "studies complete|1|3|33.3 %",
      "recent_runs.sql": "running on",
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
