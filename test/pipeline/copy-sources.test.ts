import { describe, expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { noise } from "../contract/bodies.ts"
import { DOCTOR, dicomBody } from "../support/chest.ts"
import { type Hospital, openHospital } from "../support/hospital.ts"

const bytesAt = ({ cloud, destination }: Hospital, key: string) => cloud.get(destination, key)?.bytes
const described = ({ cloud, destination }: Hospital, key: string) => cloud.describe(destination, key)!
const failures = (hospital: Hospital) =>
  hospital.rows<{ verdict: string; error_class: string; path: string; error_message: string }>(
    "select verdict, error_class, path, error_message from failures order by path",
  )

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
    expect((await hospital.run()).code).toBe(0)
    expect(study.imageKeys.map((key) => bytesAt(hospital, key))).toEqual(
      [1, 2, 3, 4, 5].map((n) => dicomBody(n)),
    )
    const names = study.imageKeys.map((key) =>
      key
        .split("/")
        .at(-1)!
        .replace(/_?[0-9a-f-]{36}\.dcm$/, ""),
    )
    expect(names).toEqual(["0001", "0001", "-003", "", "12345"])
    expect(described(hospital, study.imageKeys[0]!).metadata.source_uri).toBe(`s3://${origin}/archive/2019/x`)
  })

  test("that cannot be one fails its object alone, until the PACS is mended", async () => {
    using hospital = await openHospital()
    const bad = ["s3://another-bucket/x", "a/../../x", "/var/pacs/x", "a\nb", "\u001b[2Jx"]
    const study = await hospital.admit({
      images: [{ file_path: "archive/fine" }, ...bad.map((file_path) => ({ file_path }))],
    })
    const { copy } = await hospital.run()
    expect(copy.studies[0]).toMatchObject({ success: false, dicom_files_uploaded: 1, reports_uploaded: 1 })
    expect(copy.studies[0]!.errors).toHaveLength(bad.length)
    expect(failures(hospital)).toEqual(
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
    expect((await hospital.run()).copy.studies).toEqual([])
    await hospital.pacs
      .sql`update pacs_images set file_path = 'archive/fine' where file_path <> 'archive/fine'`
    const mended = await hospital.run()
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
    const { copy } = await hospital.run()
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
    expect(described(hospital, study.reportKeys[1]!)).toMatchObject({
      contentType: "text/plain; charset=utf-8",
      metadata: { report_id: fromDatabase!.id, source_uri: `postgresql:pacs_reports/${fromDatabase!.id}` },
    })
    expect(described(hospital, study.reportKeys[1]!).metadata).not.toHaveProperty("source_etag")
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
    expect((await hospital.run()).copy.studies[0]).toMatchObject({ success: true, reports_uploaded: 2 })
    expect(hospital.cloud.keys(hospital.destination).join()).toContain(others[0]!.report)
    expect(hospital.cloud.keys(hospital.destination).join()).not.toContain(others[1]!.report)
  })
})

describe("metadata", () => {
  test("comes from the origin as it is", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.run()
    expect(hospital.text(study.metadataKey)).toBe(`{"study_id":"${study.studyId}"}\n`)
  })

  test("is made from the database where the origin has none: the same facts are the same bytes", async () => {
    using hospital = await openHospital()
    const { cloud, origin } = hospital
    const study = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    cloud.delete(origin, study.metadataKey)
    await hospital.run()
    const made = hospital.text(study.metadataKey)
    expect(JSON.parse(made)).toMatchObject({
      study_id: study.studyId,
      organization_id: study.organizationId,
      reports: [{ report_id: study.rows.pacs_reports[0]!.id, signed_by_user_id: DOCTOR, signer_rank: 1 }],
      series: [{ body_part: "CHEST", images: [{ instance_number: 1 }, { instance_number: 2 }] }],
    })
    await hospital.copy({ force: true })
    expect(hospital.text(study.metadataKey)).toBe(made)
    expect(described(hospital, study.metadataKey)).toMatchObject({
      contentType: "application/json",
      metadata: { source_uri: `postgresql:pacs_studies/${study.studyId}` },
    })
    await hospital.pacs.sql`update pacs_studies set dicom_description = 'Tórax AP', updated_at = now()`
    expect((await hospital.run()).copy.studies[0]).toMatchObject({ metadata_uploaded: true, skipped: 3 })
    expect(JSON.parse(hospital.text(study.metadataKey)).description).toBe("Tórax AP")
  })
})

describe("every object", () => {
  test("carries its ids, its source and the try that made it, and names its content type", async () => {
    using hospital = await openHospital()
    const { cloud, origin } = hospital
    const study = await hospital.admit()
    await hospital.run()
    const [image, report] = [study.rows.pacs_images[0]!, study.rows.pacs_reports[0]!]
    const [{ ledger_id }] = hospital.rows<{ ledger_id: string }>("select ledger_id from ledger") as [
      { ledger_id: string },
    ]
    const common = (key: string, position: number) => ({
      organization_id: study.organizationId,
      study_id: study.studyId,
      source_uri: `s3://${origin}/${key}`,
      source_etag: cloud.describe(origin, key)!.etag,
      attempt: `${ledger_id}/${position}/1`,
    })
    const [imageKey, reportKey] = [study.imageKeys[0]!, study.reportKeys[0]!]
    expect(described(hospital, study.metadataKey)).toMatchObject({
      contentType: "application/json",
      metadata: common(study.metadataKey, 0),
    })
    expect(described(hospital, reportKey)).toMatchObject({
      contentType: "text/plain; charset=utf-8",
      metadata: { ...common(reportKey, 1), report_id: report.id },
    })
    expect(described(hospital, imageKey)).toMatchObject({
      contentType: "application/dicom",
      metadata: { ...common(imageKey, 2), series_id: image.series_id, image_id: image.id },
    })
    expect(described(hospital, study.receiptKey)).toMatchObject({ contentType: "application/json" })
  })

  const MiB = 1 << 20
  test.each([
    ["in one part", {}],
    ["in parts", { multipartPartSize: 700_000 }],
    ["under a key of KMS", { kms: true }],
    ["in parts under a key of KMS", { kms: true, multipartPartSize: 700_000 }],
    ["with a CRC32C of its own", { checksum: "full-object", multipartPartSize: 700_000 }],
    ["with a CRC32C of its parts", { checksum: "composite", multipartPartSize: 700_000 }],
    ["compressed, which the origin says", { contentEncoding: "gzip" }],
  ] as const)("stored at the origin %s is copied byte for byte, small or large", async (_, options) => {
    using hospital = await openHospital()
    const { cloud, origin } = hospital
    const study = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    const bodies = [Bun.gzipSync(noise(1000)), noise(2.5 * MiB)]
    for (const [n, key] of study.imageKeys.entries()) cloud.put(origin, key, bodies[n]!, options)
    expect((await hospital.run()).code).toBe(0)
    for (const [n, key] of study.imageKeys.entries()) {
      expect(bytesAt(hospital, key)).toEqual(new Uint8Array(bodies[n]!))
      expect(described(hospital, key).contentEncoding).toBe("contentEncoding" in options ? "gzip" : undefined)
    }
    expect(hospital.rows("select crc32c from objects where kind = 'dicom' order by position")).toEqual(
      study.imageKeys.map((key) => ({ crc32c: described(hospital, key).crc32c })),
    )
    expect(readdirSync(hospital.env.SPOOL_DIR!)).toEqual([])
  })

  test.each([
    ["small, with an MD5", 1000, {}],
    ["large, with an MD5", 2 * MiB, {}],
    ["small, in parts", 1000, { multipartPartSize: 600 }],
    ["large, in parts", 2 * MiB, { multipartPartSize: MiB }],
    ["large, with a CRC32C of its own", 2 * MiB, { checksum: "full-object", kms: true }],
  ] as const)(
    "whose bytes are not what the origin says of them never stands at the destination: %s",
    async (...row) => {
      const [, size, options] = row
      using hospital = await openHospital()
      const { cloud, origin, destination } = hospital
      const study = await hospital.admit()
      const [key] = study.imageKeys
      cloud.put(origin, key!, noise(size), options)
      cloud.corrupt(origin, key!)
      await hospital.run()
      expect(cloud.log.find({ bucket: destination, key: key!, effect: "created" })).toEqual([])
      expect(failures(hospital)).toEqual([
        expect.objectContaining({ path: key, verdict: "retry", error_class: "ChecksumMismatch" }),
      ])
      expect(hospital.rows("select outcome, error_class from copy_attempts where position = 2")).toEqual(
        [1, 2, 3].map(() => ({ outcome: "failed", error_class: "ChecksumMismatch" })),
      )
      expect(readdirSync(hospital.env.SPOOL_DIR!)).toEqual([])
    },
  )

  test.each([
    ["small", 5000],
    ["large", 3 * MiB],
  ])(
    "that is replaced while it is read is copied as it is afterwards, never half of each: %s",
    async (_, size) => {
      using hospital = await openHospital()
      const { cloud, origin } = hospital
      const study = await hospital.admit()
      const [key] = study.imageKeys
      cloud.put(origin, key!, dicomBody(7, size))
      await hospital.discover()
      cloud.fail({ operation: "s3.get", key: key!, fault: { kind: "cut", bytes: 3000, end: "close" } })
      const goingOn = cloud.fail({ operation: "s3.get", key: key!, fault: { kind: "stall" } })
      const copying = hospital.copy()
      await goingOn.reached()
      cloud.put(origin, key!, dicomBody(8, size))
      goingOn.release()
      expect((await copying).code).toBe(0)
      expect(bytesAt(hospital, key!)).toEqual(dicomBody(8, size))
      expect(cloud.log.count({ operation: "s3.get", key: key!, status: 412 })).toBe(1)
      expect(hospital.rows("select try, outcome, error_class from copy_attempts where position = 2")).toEqual(
        [
          { try: 1, outcome: "failed", error_class: "PreconditionFailed" },
          { try: 2, outcome: "copied", error_class: null },
        ],
      )
    },
  )
})

describe("a study without image rows", () => {
  test("is copied as the origin lists it, under the same keys", async () => {
    using hospital = await openHospital()
    const { cloud, origin } = hospital
    const study = await hospital.admit({ images: [] })
    const folder = `${study.organizationId}/${study.studyId}/dicom_files`
    const listed = [`${folder}/IM1`, `${folder}/deeper/100% "x" 🫁.dcm`, `${folder}/z.dcm`]
    for (const [n, key] of listed.entries()) cloud.put(origin, key, dicomBody(n))
    cloud.put(origin, `${folder}/made by a console/`, "")
    cloud.put(origin, `${study.organizationId}/${study.studyId}/dicom_files.txt`, "beside the folder")
    const { copy } = await hospital.run()
    expect(copy.studies[0]).toMatchObject({ success: true, dicom_files_uploaded: 3 })
    expect(cloud.keys(hospital.destination)).toEqual(
      [...listed, study.metadataKey, study.reportKeys[0]!, study.receiptKey].sort(),
    )
    for (const [n, key] of listed.entries()) expect(bytesAt(hospital, key)).toEqual(dicomBody(n))
  })

  test("whose folder is empty is complete without, with a warning", async () => {
    using hospital = await openHospital()
    await hospital.admit({ images: [] })
    const { copy, code } = await hospital.run()
    expect(copy.studies[0]).toMatchObject({ success: true, dicom_files_uploaded: 0 })
    expect(copy.totals.warnings).toBe(1)
    expect(hospital.logged.join("")).toContain("no DICOM files: none in the database, none in the origin")
    expect(code).toBe(0)
  })

  test("fails with those of its files alone whose keys no bucket of the destination can hold", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({ images: [] })
    const folder = `${study.organizationId}/${study.studyId}/dicom_files`
    hospital.cloud.put(hospital.origin, `${folder}/two\nlines`, dicomBody(1))
    hospital.cloud.put(hospital.origin, `${folder}/fine`, dicomBody(2))
    const { copy } = await hospital.run()
    expect(copy.studies[0]).toMatchObject({
      success: false,
      dicom_files_uploaded: 1,
      metadata_uploaded: true,
    })
    expect(failures(hospital)).toMatchObject([{ verdict: "give-up", error_class: "RequestRefused" }])
  })

  test("is listed again when it is named: what came is copied, what went is retired and stays", async () => {
    using hospital = await openHospital()
    const { cloud, origin } = hospital
    const study = await hospital.admit({ images: [] })
    const folder = `${study.organizationId}/${study.studyId}/dicom_files`
    cloud.put(origin, `${folder}/1`, dicomBody(1))
    cloud.put(origin, `${folder}/2`, dicomBody(2))
    await hospital.run()
    cloud.delete(origin, `${folder}/1`)
    cloud.put(origin, `${folder}/2`, dicomBody(22))
    cloud.put(origin, `${folder}/3`, dicomBody(3))
    const { studies } = await hospital.copy({ studyIds: [study.studyId] })
    expect(studies[0]).toMatchObject({ success: true, dicom_files_uploaded: 2, skipped: 2 })
    expect([1, 2, 3].map((n) => bytesAt(hospital, `${folder}/${n}`))).toEqual(
      [1, 22, 3].map((n) => dicomBody(n)),
    )
    const receipt = JSON.parse(hospital.text(study.receiptKey))
    expect(receipt.objects.map(({ path }: { path: string }) => path).sort()).toEqual([
      "dicom_files/2",
      "dicom_files/3",
      "metadata.json",
      `reports/${study.rows.pacs_reports[0]!.id}.txt`,
    ])
  })

  test("is not listed when a series that is not copied has image rows", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({ series: { modality: "SR" } })
    hospital.cloud.put(hospital.origin, `${study.organizationId}/${study.studyId}/dicom_files/x`, dicomBody())
    expect((await hospital.run()).copy.studies[0]).toMatchObject({ success: true, dicom_files_uploaded: 0 })
    expect(hospital.cloud.log.count({ operation: "s3.list", bucket: hospital.origin })).toBe(1) // the probe
  })
})

const REAL = join(import.meta.dir, "../../../shared/dicom")

describe.skipIf(!existsSync(REAL))("real DICOM files (../shared/dicom)", () => {
  test("are copied byte for byte, without a warning", async () => {
    using hospital = await openHospital()
    const names = readdirSync(REAL).filter((name) => name.endsWith(".dcm"))
    const study = await hospital.admit({ images: names.map((name) => ({ file_path: `real/${name}` })) })
    const bodies = names.map((name) => new Uint8Array(readFileSync(join(REAL, name))))
    for (const [n, name] of names.entries()) hospital.cloud.put(hospital.origin, `real/${name}`, bodies[n]!)
    const { copy } = await hospital.run()
    expect(copy.totals).toMatchObject({ succeeded: 1, dicom_files_uploaded: names.length })
    for (const [n, key] of study.imageKeys.entries()) expect(bytesAt(hospital, key)).toEqual(bodies[n]!)
    const prefixed = bodies.filter((bytes) => new TextDecoder().decode(bytes.subarray(128, 132)) === "DICM")
    expect(copy.totals.warnings).toBe(names.length - prefixed.length)
  })
})
