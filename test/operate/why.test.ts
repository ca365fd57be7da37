import { describe, expect, test } from "bun:test"
import { openLedger } from "../../lib/ledger/open.ts"
import { isWholeAnswer, requireKnown, requireOneStudy, type WhyReport, why } from "../../lib/operate/why.ts"
import { renderWhy } from "../../lib/operate/why-render.ts"
import { withSides } from "../../lib/pipeline/sides.ts"
import { loadConfig } from "../../lib/support/config.ts"
import { UsageError } from "../../lib/support/errors.ts"
import { createLogger } from "../../lib/support/log.ts"
import { silentProgress } from "../../lib/support/progress.ts"
import { redactor } from "../../lib/support/redact.ts"
import { DOCTOR } from "../support/chest.ts"
import { type Hospital, openHospital, QUICK } from "../support/hospital.ts"
import { documentOf, script } from "../support/scripts.ts"

const NEVER = { requested: new AbortController().signal, forced: new AbortController().signal }
const PARTS = [
  "ledger",
  "database",
  "ranking",
  "schedule",
  "origin",
  "destination",
  "s3",
  "gcs",
  "cod",
  "ingest",
] as const

/** Asked in this process; the environment may be another. */
async function ask(
  hospital: Hospital,
  studyId: string,
  env: Record<string, string> = {},
): Promise<WhyReport> {
  const config = loadConfig(PARTS, { ...hospital.env, ...env })
  const start = {
    script: "why",
    words: [],
    config,
    log: createLogger({ level: "ERROR", redact: redactor([]), write: () => {} }),
    progress: silentProgress,
    stop: NEVER,
    dryRun: false,
    retry: QUICK,
  }
  let report: WhyReport | undefined
  await withSides(start, async (sides) => {
    report = await why({ ...sides, schedule: config.schedule }, studyId, NEVER)
    return 0
  })
  return report!
}

const databaseOf = ({ database }: WhyReport) => {
  if ("unavailable" in database) throw new Error(database.unavailable)
  return database
}

const verdicts = (report: WhyReport) =>
  Object.fromEntries(databaseOf(report).rules.map(({ rule, verdict }) => [rule, verdict]))

const valueIn = (report: WhyReport, rule: string) =>
  databaseOf(report).rules.find((line) => line.rule === rule)?.value

describe("why", () => {
  test("of a complete study tells every rule with its value, and what everybody holds", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({ bodyPart: { name: "TÓRAX", identifier: "T-D3000" } })
    await hospital.run()
    const report = await ask(hospital, study.studyId)
    expect(databaseOf(report).rules.map(({ verdict }) => verdict)).toEqual(Array(8).fill("holds"))
    expect(databaseOf(report)).toMatchObject({
      failed: null,
      deleted: false,
      doctors: [{ user_id: DOCTOR, rank: 1, chosen: true, reports: 1 }],
    })
    expect(valueIn(report, "chest")).toContain('"TÓRAX / T-D3000" says it')
    expect(report.ledger).toMatchObject({ standing: "eligible", cohort: 1, receipt: "written", troubled: [] })
    expect(report.origin).toMatchObject({ wanted: 3, found: 3, missing: [], listed: null })
    expect(report.destination).toMatchObject({ objects: 3, receipt: true, differing: [], unknown: 0 })
    expect(report.packing).toEqual({
      series: [
        {
          uri: `gs://${hospital.destination}/cod/dicomweb/studies/2.25.1/series/2.25.2`,
          study_uid: "2.25.1",
          series_uid: "2.25.2",
          state: "packed",
          reason: null,
          packed_at: expect.stringMatching(/^20/),
          next_try_at: null,
          images: { packed: 1, waiting: 0, conflict: 0, error: 0 },
        },
      ],
      troubled: [],
      without_series: [],
      headers_to_read: 0,
    })
    expect(report.next).toMatchObject([{ when: "done" }])
    expect(isWholeAnswer(report)).toBe(true)
  })

  test("of a study that never was eligible tells which rules fail, by what, and that it is never copied", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({
      organization: { is_demo: true },
      study: { modalities: "DX,CT", deleted: true },
      reports: [{ status: "DRAFT" }],
    })
    const report = await ask(hospital, study.studyId)
    expect(verdicts(report)).toMatchObject({
      non_demo_organization: "fails",
      has_cr_or_dx: "holds",
      no_other_modality: "fails",
      signed_report: "fails",
      chosen_doctor: "fails",
    })
    expect(valueIn(report, "non_demo_organization")).toBe(
      `organization ${study.organizationId}, is_demo true`,
    )
    expect(valueIn(report, "no_other_modality")).toBe("others: CT; tolerated: none")
    expect(valueIn(report, "signed_report")).toBe("1 DRAFT")
    expect(databaseOf(report)).toMatchObject({ failed: "non_demo_organization", deleted: true })
    expect(report).toMatchObject({ ledger: null, organization_id: study.organizationId })
    expect(report.next).toMatchObject([{ when: "never", what: "it fails the rule non_demo_organization" }])
  })

  test("of a doctor who is not chosen tells the rank, and the ranks that are", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    const report = await ask(hospital, study.studyId, { RANK_FROM: "2", RANK_TO: "6" })
    expect(valueIn(report, "chosen_doctor")).toBe(`rank 1 (${DOCTOR}); chosen: ranks 2 to 6`)
    expect(databaseOf(report).doctors).toMatchObject([{ rank: 1, chosen: false }])
    expect(report.next).toMatchObject([{ when: "never", unless: expect.stringContaining("RANK_FROM") }])
  })

  test("of an eligible study before its discovery says that the next run takes it, and when a schedule does", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    const report = await ask(hospital, study.studyId, { SCHEDULE_CRON: "0 3 1 1 *" })
    expect(report.next).toEqual([
      expect.objectContaining({ when: "next run", command: `bun run copy ${study.studyId}` }),
    ])
    expect(report.next_firing).toMatch(/^20\d\d-01-01T03:00:00.000Z$/)
    expect(report.origin).toMatchObject({ wanted: 3, found: 3 })
    expect(renderWhy(report)).toContain(`A running schedule begins its next run ${report.next_firing}.`)
  })

  test("tells what the next discovery will find changed: withdrawn, out of cohort, back, or queued", async () => {
    using hospital = await openHospital()
    const { pacs } = hospital
    const study = await hospital.admit()
    await hospital.discoverAndCopy()
    const discovered = async (env = {}) => (await ask(hospital, study.studyId, env)).next[0]
    await pacs.sql`update pacs_images set file_size = 77`
    expect(await discovered()).toMatchObject({
      when: "next run",
      what: "what changed in the database is queued",
    })
    await pacs.sql`update pacs_studies set migrated = true`
    expect(await discovered()).toMatchObject({
      when: "next run",
      what: "discovered as withdrawn: it fails the rule not_migrated",
    })
    await hospital.discover()
    expect(await discovered()).toMatchObject({ when: "never" })
    await pacs.sql`update pacs_studies set migrated = false`
    expect(await discovered()).toMatchObject({
      what: "discovered as eligible: it satisfies every rule again",
    })
    await hospital.discover()
    expect(await discovered({ RANK_FROM: "2", RANK_TO: "6" })).toMatchObject({
      what: "discovered as out of cohort: it fails the rule chosen_doctor",
    })
  })

  test("of a study that is copied and not packed says where its series will lie, and what packs it", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    await hospital.discoverAndCopy()
    const report = await ask(hospital, study.studyId)
    expect(renderWhy(report)).toContain(
      "/cod/dicomweb/studies/2.25.1/series/2.25.2\n  waiting; images of this study: 0 packed, 2 waiting",
    )
    expect(report.next).toEqual([
      expect.objectContaining({
        when: "next run",
        what: "2 copied images packed",
        command: `bun run ingest ${study.studyId}`,
      }),
    ])
    await hospital.ingest()
    expect((await ask(hospital, study.studyId)).next).toMatchObject([{ when: "done" }])
  })

  test("misses no copy at the destination that was deleted because it is packed", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.run()
    hospital.cloud.delete(hospital.destination, study.imageKeys[0]!)
    {
      using ledger = openLedger(hospital.ledgerPath)
      ledger.db.run("update objects set copy_deleted_at = '2026-03-01T03:00:00.000Z' where kind = 'dicom'")
    }
    const report = await ask(hospital, study.studyId)
    expect(report.destination).toMatchObject({ objects: 2, differing: [] })
    expect(report.next).toMatchObject([{ when: "done" }])
  })

  test("tells what the origin lacks and what differs at the destination", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({ images: [{}, {}] })
    await hospital.run()
    hospital.cloud.delete(hospital.origin, study.imageKeys[0]!)
    hospital.cloud.delete(hospital.destination, study.imageKeys[1]!)
    hospital.cloud.put(hospital.destination, study.reportKeys[0]!, "another text")
    hospital.cloud.put(hospital.destination, `${study.metadataKey}.old`, "left by somebody")
    const report = await ask(hospital, study.studyId)
    expect(report.origin).toMatchObject({
      wanted: 4,
      found: 3,
      missing: [{ kind: "dicom", path: expect.stringMatching(/^dicom_files/) }],
    })
    expect(report.destination).toMatchObject({
      objects: 4,
      unknown: 1,
      differing: [{ problem: "size" }, { problem: "missing" }],
    })
    expect(report.next).toMatchObject([
      { when: "never", command: expect.stringContaining(`verify ${study.studyId} --repair`) },
    ])
  })

  test("counts the files of a study without image rows as the origin lists them", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.pacs.sql`delete from pacs_images`
    hospital.cloud.put(hospital.origin, study.imageKeys[0]!, "DICM")
    expect((await ask(hospital, study.studyId)).origin).toMatchObject({ wanted: 2, found: 2, listed: 1 })
  })

  test("goes on without the database, and without either cloud, and says so", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.run()
    const nobody = { SOURCE_DATABASE_PORT: "1", AWS_ENDPOINT_URL: "http://127.0.0.1:1" }
    const report = await ask(hospital, study.studyId, nobody)
    expect(report.database).toEqual({ unavailable: expect.stringContaining("cannot be reached") })
    expect(report.origin).toEqual({ unavailable: expect.stringContaining("127.0.0.1:1") })
    expect(report.ledger).toMatchObject({ receipt: "written" })
    expect(report.destination).toMatchObject({ objects: 3 })
    expect(report.next.map(({ when }) => when)).toEqual(["done", "unknown"])
    expect(isWholeAnswer(report)).toBe(false)
    expect(renderWhy(report)).toContain("could not be asked: the PACS database")
  })

  test("of a study that nobody knows asks neither cloud, and is a usage error", async () => {
    using hospital = await openHospital()
    const report = await ask(hospital, crypto.randomUUID())
    expect(report).toMatchObject({ organization_id: null, ledger: null, origin: null, destination: null })
    expect(verdicts(report)).toMatchObject({ exists: "fails", chest: "-", chosen_doctor: "-" })
    expect(hospital.cloud.log.entries).toEqual([])
    expect(() => requireKnown(report)).toThrow(UsageError)
  })

  test("changes nothing: neither ledger nor destination", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.discover()
    const ledger = () => hospital.rows("select * from studies join objects using (study_id)")
    const before = ledger()
    await ask(hospital, study.studyId)
    expect(ledger()).toEqual(before)
    expect(hospital.cloud.log.entries.flatMap(({ effect }) => effect ?? [])).toEqual([])
  })

  test("names no doctor and repeats no free text", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({ study: { dicom_description: "RX TORAX de Juan Perez" } })
    await hospital.pacs.sql`update pacs_practitioners set full_name = 'Ana Gomez'`
    await hospital.discoverAndCopy()
    const report = await ask(hospital, study.studyId)
    for (const text of [JSON.stringify(report), renderWhy(report)]) {
      expect(text).toContain("TORAX")
      expect(text).not.toMatch(/Juan|Perez|Ana|Gomez|@/)
    }
  })
})

describe("bun run why", () => {
  test("prints one document, or words; what was answered is exit code 0", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    const [document, words] = [
      await script(hospital, "why", study.studyId, "--json"),
      await script(hospital, "why", study.studyId),
    ]
    expect([document.exitCode, words.exitCode]).toEqual([0, 0])
    expect(Object.keys(documentOf(document))).toEqual([
      "study_id",
      "organization_id",
      "database",
      "ledger",
      "packing",
      "origin",
      "destination",
      "next",
      "next_firing",
    ])
    expect(words.stdout).toContain("\nWhat happens next\nnext run: it is discovered, then copied\n")
  })

  test("of an unknown study still tells what was asked: exit code 2; without the database: exit code 1", async () => {
    using hospital = await openHospital()
    const unknown = await script(hospital, "why", crypto.randomUUID(), "--json")
    expect(unknown.exitCode).toBe(2)
    expect(documentOf(unknown)).toMatchObject({ ledger: null, next: [{ when: "never" }] })
    expect(unknown.stderr).toContain("neither the database nor the ledger knows study")
    hospital.env.SOURCE_DATABASE_PORT = "1"
    const unasked = await script(hospital, "why", crypto.randomUUID())
    expect(unasked.exitCode).toBe(1)
    expect(unasked.stdout).toContain("unknown: the ledger does not know it")
  })
})

test.each([[[]], [["a", "b"]]])("%p is not one study", (ids: string[]) => {
  expect(() => requireOneStudy(ids)).toThrow(UsageError)
})
