import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { type Chest, DOCTOR, dicomBody } from "../../support/chest.ts"
import { type Hospital, openHospital } from "../../support/hospital.ts"

const standingOf = (hospital: Hospital, { studyId }: Chest) =>
  hospital.rows<{ standing: string; standing_reason: string | null }>(
    `select standing, standing_reason from studies where study_id = '${studyId}'`,
  )[0]!
const states = (hospital: Hospital, { studyId }: Chest) =>
  hospital
    .rows<{ state: string }>(`select state from objects where study_id = '${studyId}' order by position`)
    .map(({ state }) => state)
const receiptPaths = (hospital: Hospital, { receiptKey }: Chest): string[] =>
  JSON.parse(hospital.text(receiptKey)).objects.map(({ path }: { path: string }) => path)

/** Everything in the ledger but what every discovery writes. */
function lasting(hospital: Hospital) {
  return ["studies", "objects", "copy_attempts", "standings", "totals", "hourly"].map((table) =>
    hospital
      .rows<Record<string, unknown>>(`select * from ${table}`)
      .map(({ last_seen_at: _, ...row }) => row),
  )
}

describe("a discovery", () => {
  test("records its decision as a cohort: ranking, parameters, rules, funnel, counts", async () => {
    using hospital = await openHospital()
    await hospital.admit()
    await hospital.admit({ study: { modalities: "CT" } })
    hospital.env.TOLERATED_MODALITIES = "SR,PR"
    const report = await hospital.discover()
    const [cohort] = hospital.rows<Record<string, string>>(
      "select parameters, funnel, counts, rules_text from cohorts join rules using (rules_hash)",
    )
    expect(JSON.parse(cohort!.parameters!)).toEqual({
      rank_from: 1,
      rank_to: 1,
      tolerated_modalities: ["SR", "PR"],
      pinned_cohort: null,
      limit: null,
      study_ids: null,
    })
    expect(JSON.parse(cohort!.funnel!)).toEqual(report.funnel)
    expect(JSON.parse(cohort!.counts!)).toEqual(report.studies)
    expect(cohort!.rules_text).toContain("A study is eligible when it satisfies")
    expect(hospital.rows("select rank, user_id, studies, chosen from doctors")).toEqual([
      { rank: 1, user_id: DOCTOR, studies: 1, chosen: 1 },
    ])
    expect(
      hospital.rows("select doctor_rank, newest_signed_at, modalities, lists_origin from studies"),
    ).toEqual([
      { doctor_rank: 1, newest_signed_at: "2025-01-15T08:00:00+00:00", modalities: "DX", lists_origin: 0 },
    ])
    expect(report).toMatchObject({
      cohort: 1,
      ranking: [{ rank: 1, user_id: DOCTOR, studies: 1 }],
      studies: { new: 1, changed: 0, unchanged: 0, withdrawn: 0, out_of_cohort: 0, eligible: 1 },
    })
  })

  test("of an unchanged database writes a cohort and when studies were seen last, nothing else", async () => {
    using hospital = await openHospital()
    await hospital.admit()
    await hospital.admit({ images: [] })
    await hospital.discoverAndCopy()
    const before = lasting(hospital)
    const { studies } = await hospital.discover()
    expect(studies).toEqual({ new: 0, changed: 0, unchanged: 2, withdrawn: 0, out_of_cohort: 0, eligible: 2 })
    expect(lasting(hospital)).toEqual(before)
    expect(hospital.rows("select cohort_id from cohorts")).toHaveLength(2)
  })

  test("lists every study that is eligible now, known or not, with its reports and their doctors' ranks", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({
      reports: [{}, { signed_at: "2025-03-01T00:00:00+00:00" }, { status: "DRAFT" }],
    })
    await hospital.discoverAndCopy()
    const { eligible } = await hospital.discover({ list: true })
    expect(eligible).toEqual([
      {
        study_id: study.studyId,
        report_ids: study.rows.pacs_reports.slice(0, 2).map(({ id }) => id),
        doctor_ranks: [1, 1],
      },
    ])
  })

  test("that is dry tells all of it and makes no ledger", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    const report = await hospital.discover({ dryRun: true, list: true })
    expect(report).toMatchObject({
      cohort: null,
      studies: { new: 1, eligible: 1 },
      eligible: [{ study_id: study.studyId }],
    })
    expect(existsSync(hospital.ledgerPath)).toBe(false)
    await hospital.discover()
    await hospital.pacs.sql`update pacs_images set file_path = 'elsewhere'`
    const before = lasting(hospital)
    expect((await hospital.discover({ dryRun: true })).studies).toMatchObject({ new: 0, changed: 1 })
    expect(lasting(hospital)).toEqual(before)
    expect(hospital.rows("select 1 from runs")).toHaveLength(1)
  })

  test("with a limit leaves the standing of what it did not read alone", async () => {
    using hospital = await openHospital()
    const old = await hospital.admit({ reports: [{ signed_at: "2020-01-01T00:00:00+00:00" }] })
    await hospital.discover()
    const recent = await hospital.admit()
    await hospital.pacs.sql`update pacs_studies set migrated = true where id = ${old.studyId}`
    expect((await hospital.discover({ limit: 1 })).studies).toMatchObject({
      new: 1,
      withdrawn: 0,
      eligible: 1,
    })
    expect(hospital.rows("select parameters ->> 'limit' as n from cohorts order by cohort_id")).toEqual([
      { n: null },
      { n: 1 },
    ])
    expect(standingOf(hospital, old).standing).toBe("eligible")
    expect(standingOf(hospital, recent).standing).toBe("eligible")
    expect((await hospital.discover()).studies).toMatchObject({ withdrawn: 1 })
  })
})

describe("a study that changed", () => {
  test("has just the changed objects queued, and its receipt written anew", async () => {
    using hospital = await openHospital()
    const { sql } = hospital.pacs
    const study = await hospital.admit({
      images: [{}, { instance_number: 2 }],
      reports: [{}, { content: "one" }],
    })
    const other = await hospital.admit()
    await hospital.discoverAndCopy()
    hospital.cloud.put(hospital.origin, study.imageKeys[1]!, dicomBody(9))
    await sql`update pacs_images set created_at = now() where id = ${study.rows.pacs_images[1]!.id}`
    hospital.cloud.log.clear()
    const { discovery, copy } = await hospital.discoverAndCopy()
    expect(discovery.studies).toMatchObject({ new: 0, changed: 1, unchanged: 1 })
    expect(copy.studies).toMatchObject([
      {
        study_id: study.studyId,
        success: true,
        dicom_files_uploaded: 1,
        reports_uploaded: 0,
        metadata_uploaded: false,
        skipped: 4,
      },
    ])
    const touched = hospital.cloud.log.entries.flatMap(({ effect, key }) =>
      effect === undefined ? [] : [key],
    )
    expect(touched).toEqual([study.imageKeys[1]!, study.receiptKey])
    expect(states(hospital, other)).toEqual(["copied", "copied", "copied"])
  })

  test("by a new report or image has these copied", async () => {
    using hospital = await openHospital()
    const { sql } = hospital.pacs
    const study = await hospital.admit()
    await hospital.discoverAndCopy()
    const [{ signed_by_id }, { series_id }] = [study.rows.pacs_reports[0]!, study.rows.pacs_images[0]!]
    const [report, image] = [crypto.randomUUID(), crypto.randomUUID()]
    await sql`insert into pacs_reports (id, study_id, signed_by_id, status, content, signed_at)
      values (${report}, ${study.studyId}, ${signed_by_id}, 'SIGNED', 'new', now())`
    await sql`insert into pacs_images (id, series_id, instance_number, file_path) values (${image}, ${series_id}, 7, 'x')`
    hospital.cloud.put(hospital.origin, "x", dicomBody(7))
    const { copy } = await hospital.discoverAndCopy()
    expect(copy.studies[0]).toMatchObject({ success: true, dicom_files_uploaded: 1, reports_uploaded: 1 })
    const prefix = `${study.organizationId}/${study.studyId}`
    expect(hospital.text(`${prefix}/reports/${report}.txt`)).toBe("new")
    expect(hospital.cloud.keys(hospital.destination)).toContain(
      `${prefix}/dicom_files/${series_id}/0007_${image}.dcm`,
    )
  })

  test("by losing an object keeps it at the destination, out of the receipt, and counts it as retired", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    await hospital.discoverAndCopy()
    const [, gone] = study.imageKeys as [string, string]
    await hospital.pacs.sql`delete from pacs_images where id = ${study.rows.pacs_images[1]!.id}`
    const { copy } = await hospital.discoverAndCopy()
    expect(copy.studies[0]).toMatchObject({ success: true, dicom_files_uploaded: 0 })
    expect(states(hospital, study)).toEqual(["copied", "copied", "copied", "retired"])
    expect(hospital.cloud.keys(hospital.destination)).toContain(gone)
    expect(receiptPaths(hospital, study)).toHaveLength(3)
    expect(hospital.rows("select count from progress where item = 'objects retired'")).toEqual([{ count: 1 }])
    expect((await hospital.verify()).problems).toEqual([])
  })

  test("by getting an object back has it copied and in the receipt again", async () => {
    using hospital = await openHospital()
    const { sql } = hospital.pacs
    const study = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    await hospital.discoverAndCopy()
    const [, image] = study.rows.pacs_images as [unknown, (typeof study.rows.pacs_images)[number]]
    await sql`delete from pacs_images where id = ${image.id}`
    await hospital.discoverAndCopy()
    await hospital.pacs.insert({ pacs_images: [image] })
    expect((await hospital.discoverAndCopy()).copy.studies[0]).toMatchObject({
      success: true,
      dicom_files_uploaded: 0,
      skipped: 4,
    })
    expect(receiptPaths(hospital, study)).toHaveLength(4)
  })

  test("of organization is copied whole to its new place, with a receipt there", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({
      images: [{ file_path: "archive/x" }],
      reports: [{ content: "text" }],
    })
    await hospital.discoverAndCopy()
    const other = await hospital.admit()
    const before = hospital.cloud.keys(hospital.destination)
    await hospital.pacs
      .sql`update pacs_studies set organization_id = ${other.organizationId} where id = ${study.studyId}`
    const { discovery, copy, code } = await hospital.discoverAndCopy()
    expect(discovery.studies).toMatchObject({ changed: 1, new: 1 })
    expect(copy.studies.find(({ study_id }) => study_id === study.studyId)).toMatchObject({
      success: true,
      organization_id: other.organizationId,
      dicom_files_uploaded: 1,
    })
    const moved = before.map((key) => key.replace(study.organizationId, other.organizationId))
    expect(hospital.cloud.keys(hospital.destination)).toEqual(expect.arrayContaining([...before, ...moved]))
    expect(
      receiptPaths(hospital, { ...study, receiptKey: moved.find((key) => key.startsWith("_receipts/"))! }),
    ).toHaveLength(3)
    expect(code).toBe(0)
    expect((await hospital.verify()).problems).toEqual([])
  })
})

describe("standings", () => {
  test.each([
    ["signed_report", "update pacs_reports set deleted = true"],
    ["chest", "update pacs_body_part set name = 'KNEE'"],
    ["no_other_modality", "update pacs_studies set modalities = 'DX,SR'"],
    ["not_migrated", "update pacs_studies set migrated = true"],
    ["non_demo_organization", "update pacs_organizations set is_demo = true"],
  ])(
    "a study that fails %s is withdrawn: nothing more of it is copied, nothing of it is deleted",
    async (rule, change) => {
      using hospital = await openHospital()
      const [done, begun] = [await hospital.admit(), await hospital.admit()]
      hospital.cloud.delete(hospital.origin, begun.imageKeys[0]!)
      await hospital.discoverAndCopy()
      const fresh = await hospital.admit()
      await hospital.discover()
      const before = hospital.cloud.keys(hospital.destination)
      await hospital.pacs.sql.unsafe(change)
      hospital.cloud.put(hospital.origin, begun.imageKeys[0]!, dicomBody())
      const { discovery, copy } = await hospital.discoverAndCopy()
      expect(discovery.studies).toMatchObject({ withdrawn: 3, out_of_cohort: 0, eligible: 0 })
      expect(copy.studies).toEqual([])
      for (const study of [done, begun, fresh])
        expect(standingOf(hospital, study)).toEqual({ standing: "withdrawn", standing_reason: rule })
      expect(hospital.cloud.keys(hospital.destination)).toEqual(before)
      expect((await hospital.discover()).studies).toMatchObject({ withdrawn: 0 })
    },
  )

  test("when only the ranking moved, metadata that are made again still tell of the doctors who were chosen", async () => {
    using hospital = await openHospital()
    const { cloud, destination } = hospital
    const { metadataKey } = await hospital.admit()
    cloud.delete(hospital.origin, metadataKey)
    await hospital.discoverAndCopy()
    const told = hospital.text(metadataKey)
    expect(JSON.parse(told).reports).toHaveLength(1)
    Object.assign(hospital.env, { RANK_FROM: "2", RANK_TO: "2" })
    await hospital.discover()
    cloud.delete(destination, metadataKey)
    await hospital.verify({ repair: true })
    await hospital.copy()
    expect(hospital.text(metadataKey)).toBe(told)
  })

  test("when only the ranking moved, what has begun is finished and the rest is left", async () => {
    using hospital = await openHospital()
    const begun = await hospital.admit()
    hospital.cloud.delete(hospital.origin, begun.imageKeys[0]!)
    await hospital.discoverAndCopy()
    hospital.cloud.put(hospital.origin, begun.imageKeys[0]!, dicomBody())
    const fresh = await hospital.admit()
    await hospital.discover()
    Object.assign(hospital.env, { RANK_FROM: "2", RANK_TO: "2" })
    const { discovery, copy } = await hospital.discoverAndCopy()
    expect(discovery.studies).toMatchObject({ withdrawn: 0, out_of_cohort: 2, eligible: 0 })
    expect(copy.studies).toMatchObject([{ study_id: begun.studyId, success: true }])
    for (const study of [begun, fresh])
      expect(standingOf(hospital, study)).toEqual({
        standing: "out_of_cohort",
        standing_reason: "chosen_doctor",
      })
    expect(states(hospital, fresh)).toEqual(["pending", "pending", "pending"])
    Object.assign(hospital.env, { RANK_FROM: "1", RANK_TO: "1" })
    const back = await hospital.discoverAndCopy()
    expect(back.discovery.studies).toMatchObject({ changed: 2, eligible: 2 })
    expect(back.copy.studies).toMatchObject([{ study_id: fresh.studyId, success: true }])
  })

  test("a new cohort alone rewrites no receipt", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.discoverAndCopy()
    const before = hospital.text(study.receiptKey)
    Object.assign(hospital.env, { RANK_FROM: "2", RANK_TO: "2" })
    await hospital.discoverAndCopy()
    Object.assign(hospital.env, { RANK_FROM: "1", RANK_TO: "3" })
    const { discovery } = await hospital.discoverAndCopy()
    expect(discovery.cohort).toBe(3)
    await hospital.copy({ studyIds: [study.studyId] })
    expect(hospital.text(study.receiptKey)).toBe(before)
    expect(hospital.cloud.log.count({ key: study.receiptKey, effect: "replaced" })).toBe(0)
  })

  test("a study that is gone from the database is withdrawn", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.discoverAndCopy()
    await hospital.pacs.clear()
    expect((await hospital.discover()).studies).toMatchObject({ withdrawn: 1 })
    expect(standingOf(hospital, study)).toEqual({ standing: "withdrawn", standing_reason: "exists" })
  })
})
