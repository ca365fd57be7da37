import { describe, expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { noise } from "../../contract/bodies.ts"
import { dicomBody } from "../../support/chest.ts"
import { describedAt, failures, openHospital, storedAt } from "../../support/hospital.ts"

describe("every object", () => {
  test("carries its ids, its source and the try that made it, and names its content type", async () => {
    using hospital = await openHospital()
    const { cloud, origin } = hospital
    const study = await hospital.admit()
    await hospital.discoverAndCopy()
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
    expect(describedAt(hospital, study.metadataKey)).toMatchObject({
      contentType: "application/json",
      metadata: common(study.metadataKey, 0),
    })
    expect(describedAt(hospital, reportKey)).toMatchObject({
      contentType: "text/plain; charset=utf-8",
      metadata: { ...common(reportKey, 1), report_id: report.id },
    })
    expect(describedAt(hospital, imageKey)).toMatchObject({
      contentType: "application/dicom",
      metadata: { ...common(imageKey, 2), series_id: image.series_id, image_id: image.id },
    })
    expect(describedAt(hospital, study.receiptKey)).toMatchObject({ contentType: "application/json" })
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
    expect((await hospital.discoverAndCopy()).code).toBe(0)
    for (const [n, key] of study.imageKeys.entries()) {
      expect(storedAt(hospital, key)).toEqual(new Uint8Array(bodies[n]!))
      expect(describedAt(hospital, key).contentEncoding).toBe(
        "contentEncoding" in options ? "gzip" : undefined,
      )
    }
    expect(hospital.rows("select crc32c from objects where kind = 'dicom' order by position")).toEqual(
      study.imageKeys.map((key) => ({ crc32c: describedAt(hospital, key).crc32c })),
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
      await hospital.discoverAndCopy()
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
      expect(storedAt(hospital, key!)).toEqual(dicomBody(8, size))
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

const REAL = join(import.meta.dir, "../../../../shared/dicom")

describe.skipIf(!existsSync(REAL))("real DICOM files (../shared/dicom)", () => {
  test("are copied byte for byte, without a warning", async () => {
    using hospital = await openHospital()
    const names = readdirSync(REAL).filter((name) => name.endsWith(".dcm"))
    const study = await hospital.admit({ images: names.map((name) => ({ file_path: `real/${name}` })) })
    const bodies = names.map((name) => new Uint8Array(readFileSync(join(REAL, name))))
    for (const [n, name] of names.entries()) hospital.cloud.put(hospital.origin, `real/${name}`, bodies[n]!)
    const { copy } = await hospital.discoverAndCopy()
    expect(copy.totals).toMatchObject({ succeeded: 1, dicom_files_uploaded: names.length })
    for (const [n, key] of study.imageKeys.entries()) expect(storedAt(hospital, key)).toEqual(bodies[n]!)
    const prefixed = bodies.filter((bytes) => new TextDecoder().decode(bytes.subarray(128, 132)) === "DICM")
    expect(copy.totals.warnings).toBe(names.length - prefixed.length)
  })
})
