import { describe, expect, test } from "bun:test"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import packageJson from "../../package.json" with { type: "json" }
import { type Chest, DOCTOR } from "../support/chest.ts"
import { type Hospital, openHospital } from "../support/hospital.ts"
import { PROJECT_ROOT, runScript } from "../support/process.ts"
import { boxOf, documentOf, logOf, NAMES, type Name, pathOf, script } from "../support/scripts.ts"

describe("every script", () => {
  test.each(NAMES)(
    "%s --help tells what it does, an example and the exit codes, without any configuration",
    async (name) => {
      const { exitCode, stdout, stderr } = await runScript([pathOf(name), "--help"])
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" })
      expect(stdout).toContain(`Usage: bun scripts/${name}.ts`)
      expect(stdout).toMatch(new RegExp(`^Example:\n  bun scripts/${name}\\.ts `, "m"))
      expect(stdout).toContain("Exit codes:\n  0 ")
      expect(stdout).toContain("130/143")
      expect(stdout).toContain("--json")
      expect(stdout.includes("--dry-run")).toBe(
        !["status", "cohorts", "why", "manifest", "doctor", "demo", "dashboard"].includes(name),
      )
    },
  )

  test("has a name in package.json and no more than what an operator runs", () => {
    const files = readdirSync(join(PROJECT_ROOT, "scripts")).filter((file) => file.endsWith(".ts"))
    expect(files.sort()).toEqual(NAMES.map((name) => `${name}.ts`).sort())
    for (const name of NAMES) expect(packageJson.scripts[name]).toContain(pathOf(name))
  })

  const wrong: readonly [Name, readonly string[], string][] = [
    ["copy", ["--limit", "x"], "--limit"],
    ["discover", ["--limit=-1"], "--limit"],
    ["copy", ["--fast"], "--fast"],
    ["copy", ["not-a-uuid"], "not-a-uuid"],
    ["verify", ["'; drop table studies; --"], "drop table"],
    ["status", ["--watch", "--json"], "--watch"],
    ["status", ["--failures", "--versions"], "--failures and --versions"],
    ["status", [], "there is no ledger at"],
    ["verify", [], "there is no ledger at"],
    ["adopt", [], "there is no ledger at"],
    ["backup", [], "there is no ledger at"],
    ["dashboard", [], "there is no ledger at"],
    ["dashboard", ["--port", "65536"], "--port"],
    ["dashboard", ["--host", "0.0.0.0"], "FLOWER_USER and FLOWER_PASSWORD"],
    ["run", ["something"], "argument"],
    ["discover", ["--pin-cohort", "7"], "no cohort 7"],
    ["discover", ["--pin-cohort", "7", "--dry-run"], "no cohort 7"],
    ["run", ["--pin-cohort", "7"], "no cohort 7"],
    ["schedule", ["--pin-cohort", "7"], "no cohort 7"],
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
    const { exitCode, stdout, stderr } = await runScript([pathOf("run")], {
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
    expect(Object.keys(document)).toEqual(["studies", "totals", "estimate", "ingest"])
    const packing = ["series_packed", "instances_new", "instances_same", "instances_conflict", "series_lost"]
    const drawing = ["thumbnails_made", "thumbnails_failed"]
    for (const study of document.studies)
      expect(Object.keys(study)).toEqual([...STUDY_KEYS, ...packing, ...drawing])
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
    ).toEqual([
      "INFO copied",
      "INFO to copy: 2 studies, 6 objects, 0 B and 2 images of unknown size",
      "WARNING not complete",
      // Its image is a stub, with nothing to draw.
      "WARNING the series is packed without a thumbnail",
    ])

    const copied = await script(hospital, "copy", "--json", whole.studyId)
    expect(copied.exitCode).toBe(0)
    expect(documentOf(copied).studies).toMatchObject([
      { study_id: whole.studyId, success: true, skipped: 3, bytes: 0 },
    ])
    const forced = await script(hospital, "copy", "--json", "--force", whole.studyId)
    expect(documentOf(forced).studies).toMatchObject([
      { dicom_files_uploaded: 1, metadata_uploaded: true, skipped: 0 },
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
      { organization_id: null, success: false, errors: ["the database has no such study"] },
      { study_id: broken.studyId, success: false },
    ])
  })

  test("verify, status and its kinds print one document each", async () => {
    const { hospital, whole } = await twoStudies()
    using _ = hospital
    await hospital.discoverAndCopy()
    const verified = await script(hospital, "verify", "--json")
    expect(verified.exitCode).toBe(0)
    expect(documentOf(verified)).toEqual({
      studies: 2,
      objects: 5,
      bytes: expect.any(Number),
      series: 0,
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
    expect(Object.keys(versions)).toEqual(["tool", "bun", "sqlite", "zstd", "ledger_schema"])
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
