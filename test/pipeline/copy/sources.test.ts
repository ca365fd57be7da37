import { describe, expect, test } from "bun:test"
import { DOCTOR, dicomBody } from "../../support/chest.ts"
import { describedAt, failures, openHospital, storedAt } from "../../support/hospital.ts"

describe("file_path", () => {
  test("may be a key, a URI of the origin's bucket, or nothing; the destination's key is ever the same", async () => {
    using hospital = await openHospital()
    const { cloud, origin } = hospital
    const study = await hospital.admit({
      images: [
        { file_path: "archive/2019/x" },
        { file_path: `s3://${origin}/by uri/ü 100%/"x"'.dcm` },
        { file_path: null, instance_number: -3 },
        { file_path: null, instance_number: null },
        { file_path: null, instance_number: 12_345 },
      ],
    })
    cloud.put(origin, `by uri/ü 100%/"x"'.dcm`, dicomBody(2))
    expect((await hospital.discoverAndCopy()).code).toBe(0)
    expect(study.imageKeys.map((key) => storedAt(hospital, key))).toEqual(
      [1, 2, 3, 4, 5].map((n) => dicomBody(n)),
    )
    const names = study.imageKeys.map((key) =>
      key
        .split("/")
        .at(-1)!
        .replace(/_?[0-9a-f-]{36}\.dcm$/, ""),
    )
    expect(names).toEqual(["0001", "0001", "-003", "", "12345"])
    expect(describedAt(hospital, study.imageKeys[0]!).metadata.source_uri).toBe(
      `s3://${origin}/archive/2019/x`,
    )
  })

  test("that cannot be one fails its object alone, until the PACS is mended", async () => {
    using hospital = await openHospital()
    const bad = ["s3://another-bucket/x", "a/../../x", "/var/pacs/x", "a\nb", "\u001b[2Jx"]
    const study = await hospital.admit({
      images: [{ file_path: "archive/fine" }, ...bad.map((file_path) => ({ file_path }))],
    })
    const { copy } = await hospital.discoverAndCopy()
    expect(copy.studies[0]).toMatchObject({ success: false, dicom_files_uploaded: 1, reports_uploaded: 1 })
    expect(copy.studies[0]!.errors).toHaveLength(bad.length)
    expect(
      hospital.rows("select path, verdict, error_class, error_message from failures order by path"),
    ).toEqual(
      study.imageKeys
        .slice(1)
        .sort()
        .map((path) => ({
          path,
          verdict: "give-up",
          error_class: "InvalidSource",
          error_message: expect.stringContaining("file_path cannot be a key of the origin"),
        })),
    )
    expect((await hospital.discoverAndCopy()).copy.studies).toEqual([])
    await hospital.pacs
      .sql`update pacs_images set file_path = 'archive/fine' where file_path <> 'archive/fine'`
    const mended = await hospital.discoverAndCopy()
    expect(mended.discovery.studies).toMatchObject({ changed: 1 })
    expect(mended.copy.studies[0]).toMatchObject({
      success: true,
      dicom_files_uploaded: bad.length,
      skipped: 3,
    })
  })
})

describe("a report", () => {
  test("comes from the origin, else from the database as UTF-8, else it is missing", async () => {
    using hospital = await openHospital()
    const { cloud, origin } = hospital
    const text = "Tórax: “sin hallazgos” 🫁\r\nfirmado\n"
    const study = await hospital.admit({
      reports: [{ content: "not this" }, { content: text }, { content: "" }, {}],
    })
    for (const key of study.reportKeys.slice(1)) cloud.delete(origin, key)
    const { copy } = await hospital.discoverAndCopy()
    expect(copy.studies[0]).toMatchObject({ success: false, reports_uploaded: 2 })
    expect(hospital.text(study.reportKeys[0]!)).toContain("Informe")
    expect(hospital.text(study.reportKeys[1]!)).toBe(text)
    expect(failures(hospital).map(({ path, verdict, error_class }) => [path, verdict, error_class])).toEqual(
      study.reportKeys
        .slice(2)
        .sort()
        .map((key) => [key, "missing", "SourceMissing"]),
    )
    const [, fromDatabase] = study.rows.pacs_reports
    expect(describedAt(hospital, study.reportKeys[1]!)).toMatchObject({
      contentType: "text/plain; charset=utf-8",
      metadata: { report_id: fromDatabase!.id, source_uri: `postgresql:pacs_reports/${fromDatabase!.id}` },
    })
    expect(describedAt(hospital, study.reportKeys[1]!).metadata).not.toHaveProperty("source_etag")
  })

  test("is copied also by a second doctor who is chosen, and not by one who is not", async () => {
    using hospital = await openHospital()
    const [second, third] = ["0d0c0000-0000-4000-8000-000000000002", "0d0c0000-0000-4000-8000-000000000003"]
    const study = await hospital.admit()
    const others = [second!, third!].map((id) => ({
      id,
      practitioner: crypto.randomUUID(),
      report: crypto.randomUUID(),
    }))
    const { sql } = hospital.pacs
    for (const { id, practitioner, report } of others) {
      await sql`insert into pacs_users values (${id}, ${id}, null)`
      await sql`insert into pacs_practitioners values (${practitioner}, ${id}, ${study.organizationId}, 'Somebody')`
      await sql`insert into pacs_reports (id, study_id, signed_by_id, status, content, signed_at)
        values (${report}, ${study.studyId}, ${practitioner}, 'SIGNED', 'text', now())`
    }
    Object.assign(hospital.env, { RANK_FROM: "1", RANK_TO: "2" })
    expect((await hospital.discoverAndCopy()).copy.studies[0]).toMatchObject({
      success: true,
      reports_uploaded: 2,
    })
    expect(hospital.cloud.keys(hospital.destination).join()).toContain(others[0]!.report)
    expect(hospital.cloud.keys(hospital.destination).join()).not.toContain(others[1]!.report)
  })
})

describe("metadata", () => {
  test("comes from the origin as it is", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.discoverAndCopy()
    expect(hospital.text(study.metadataKey)).toBe(`{"study_id":"${study.studyId}"}\n`)
  })

  test("is made from the database where the origin has none: the same facts are the same bytes", async () => {
    using hospital = await openHospital()
    const { cloud, origin } = hospital
    const study = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    cloud.delete(origin, study.metadataKey)
    await hospital.discoverAndCopy()
    const made = hospital.text(study.metadataKey)
    expect(JSON.parse(made)).toMatchObject({
      study_id: study.studyId,
      organization_id: study.organizationId,
      reports: [{ report_id: study.rows.pacs_reports[0]!.id, signed_by_user_id: DOCTOR, signer_rank: 1 }],
      series: [{ body_part: "CHEST", images: [{ instance_number: 1 }, { instance_number: 2 }] }],
    })
    await hospital.copy({ force: true })
    expect(hospital.text(study.metadataKey)).toBe(made)
    expect(describedAt(hospital, study.metadataKey)).toMatchObject({
      contentType: "application/json",
      metadata: { source_uri: `postgresql:pacs_studies/${study.studyId}` },
    })
    await hospital.pacs.sql`update pacs_studies set dicom_description = 'Tórax AP', updated_at = now()`
    expect((await hospital.discoverAndCopy()).copy.studies[0]).toMatchObject({
      metadata_uploaded: true,
      skipped: 3,
    })
    expect(JSON.parse(hospital.text(study.metadataKey)).description).toBe("Tórax AP")
  })
})
