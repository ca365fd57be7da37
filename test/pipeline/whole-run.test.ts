import { beforeAll, describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { dirname } from "node:path"
import { demoHospital, type Hospital as SeededHospital } from "../../lib/demo/seed.ts"
import type { SeedStudy } from "../../lib/demo/seed-study.ts"
import { dicomPath, objectKey, receiptKey, reportPath } from "../../lib/pipeline/layout.ts"
import { dicomBody } from "../support/chest.ts"
import { type Ended, type Hospital, openHospital } from "../support/hospital.ts"

type RunReport = Ended<Awaited<ReturnType<Hospital["run"]>>>

/** One run over the demo's hospital with its three troubled studies, looked at from every side. */
let hospital: Hospital
let seeded: SeededHospital
let first: RunReport

beforeAll(async () => {
  hospital = await openHospital()
  seeded = demoHospital({ bucket: hospital.origin, tiny: true, trouble: true })
  await hospital.pacs.insert(seeded.rows)
  for (const { key, contentType, bytes } of seeded.objects)
    hospital.cloud.put(hospital.origin, key, bytes(), { contentType })
  Object.assign(hospital.env, { RANK_FROM: "2", RANK_TO: "6" })
  first = await hospital.run()
})

const eligible = () => seeded.studies.filter(({ plan }) => plan.outcome === "eligible")
const idsOf = ({ study }: SeedStudy) => ({ studyId: study.id, organizationId: study.organization_id! })
const described = (text: string) => eligible().find(({ study }) => study.dicom_description === text)!

/** What the destination holds beside the datastore. */
const copiedKeys = () =>
  hospital.cloud.keys(hospital.destination).filter((key) => !key.startsWith("cod/dicomweb/"))

const [MISSING, NO_DICOM, LOST] = [
  "CHEST, an object is missing",
  "CHEST, a file is not DICOM",
  "CHEST, a report is lost",
]

describe("a run over a whole hospital", () => {
  test("discovers 27 eligible studies and completes all but three of them", () => {
    expect(first.discovery.studies).toMatchObject({ new: 27, eligible: 27 })
    expect(first.copy.totals).toMatchObject({ studies: 27, succeeded: 24, failed: 3, warnings: 1 })
    expect(first.code).toBe(1)
    const failed = first.copy.studies.filter(({ success }) => !success)
    expect(failed.map(({ study_id }) => study_id).sort()).toEqual(
      [MISSING, LOST, NO_DICOM].map((text) => described(text).study.id).sort(),
    )
  })

  test("puts exactly the studies' keys and a receipt for each complete one at the destination", () => {
    const expected = eligible().flatMap((seed) => {
      const ids = idsOf(seed)
      const images = seed.images
        .filter(({ series_id }) => seed.series.find(({ id }) => id === series_id)!.modality !== "SR")
        .map(({ series_id, id, instance_number }) =>
          dicomPath({ seriesId: series_id, imageId: id, instanceNumber: instance_number ?? undefined }),
        )
      const listed = seed.images.length > 0 ? [] : seed.objects.map(({ key }) => key).filter(isListed)
      const reports = seed.reports.filter(isOfChosen(seed)).map(({ id }) => reportPath(id))
      const receipt = [MISSING, LOST].includes(seed.study.dicom_description!) ? [] : [receiptKey(ids)]
      return [
        ...["metadata.json", ...reports, ...images].map((path) => objectKey(ids, path)),
        ...listed,
        ...receipt,
      ]
    })
    const absent = [
      objectKey(
        idsOf(described(MISSING)),
        dicomPath({
          seriesId: described(MISSING).series[0]!.id,
          imageId: described(MISSING).images[1]!.id,
          instanceNumber: 2,
        }),
      ),
      objectKey(idsOf(described(LOST)), reportPath(described(LOST).reports[1]!.id)),
    ]
    expect(copiedKeys().sort()).toEqual(expected.filter((key) => !absent.includes(key)).sort())
  })

  test("copies what the origin holds byte for byte, from wherever file_path says it is", () => {
    const { cloud, origin, destination } = hospital
    let compared = 0
    for (const seed of eligible()) {
      const pairs = [
        ...seed.images.map(({ id, file_path }) => [file_path!.replace(`s3://${origin}/`, ""), id] as const),
        ...seed.objects
          .filter(({ key }) => !key.startsWith("archive/"))
          .map(({ key }) => [key, key] as const),
      ]
      for (const [source, name] of pairs) {
        const wanted = cloud.get(origin, source)
        const [key] = copiedKeys().filter((each) => each.includes(name))
        if (wanted === undefined || key === undefined) continue
        expect(cloud.get(destination, key)!.bytes).toEqual(wanted.bytes)
        compared += 1
      }
    }
    expect(compared).toBeGreaterThan(90)
  })

  test("counts uploads, what was skipped and bytes per study, under the names of the replaced system", () => {
    const results = first.copy.studies
    for (const result of results) {
      expect(Object.keys(result)).toEqual([
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
        "series_packed",
        "instances_new",
        "instances_same",
        "instances_conflict",
        "series_lost",
        "thumbnails_made",
        "thumbnails_failed",
      ])
    }
    const sum = (value: (result: (typeof results)[number]) => number) =>
      results.reduce((all, one) => all + value(one), 0)
    const stored = copiedKeys().filter((key) => !key.startsWith("_receipts/"))
    const { totals } = first.copy
    expect(sum((result) => result.dicom_files_uploaded)).toBe(totals.dicom_files_uploaded)
    expect(totals.dicom_files_uploaded + totals.reports_uploaded + totals.metadata_uploaded).toBe(
      stored.length,
    )
    expect(totals.bytes).toBe(
      stored.reduce((all, key) => all + hospital.cloud.describe(hospital.destination, key)!.size, 0),
    )
    expect(totals.skipped).toBe(0)
  })

  test("tells what is missing, at the origin or nowhere at all, and goes on with the rest", () => {
    const failures = hospital.rows<{ verdict: string; error_class: string; study_id: string }>(
      "select * from failures order by study_id",
    )
    const expected = [
      { verdict: "missing", error_class: "NotFound", study_id: described(MISSING).study.id },
      { verdict: "missing", error_class: "SourceMissing", study_id: described(LOST).study.id },
      { verdict: "give-up", error_class: "InvalidDicom", study_id: described(NO_DICOM).study.id },
    ]
    expect(failures).toMatchObject(expected.sort((a, b) => (a.study_id < b.study_id ? -1 : 1)))
    const result = first.copy.studies.find(({ study_id }) => study_id === described(LOST).study.id)!
    expect(result).toMatchObject({ success: false, dicom_files_uploaded: 1, reports_uploaded: 1 })
    expect(result.errors).toEqual([
      `reports/${described(LOST).reports[1]!.id}.txt: SourceMissing: neither the origin nor the database has it`,
    ])
  })

  test("copies a file that is no DICOM as it is, with a warning in the ledger and in the log", () => {
    const { study } = described(NO_DICOM)
    const [warned] = hospital.rows<{ study_id: string; warning: string; state: string }>(
      "select study_id, warning, state from objects where warning is not null",
    )
    expect(warned).toEqual({
      study_id: study.id,
      warning: "not a DICOM file: no DICM prefix after 128 bytes",
      state: "copied",
    })
    expect(hospital.logged.filter((line) => line.includes("not a DICOM file"))).toHaveLength(1)
  })

  test("says of each receipt's objects what stands at the destination", () => {
    const { cloud, destination } = hospital
    for (const key of cloud.keys(destination, "_receipts/")) {
      const receipt = JSON.parse(hospital.text(key))
      expect(receipt).toMatchObject({ receipt_version: 2, cohort: 1, tool: "vlm-eden-dataset-etl 0.1.0" })
      expect(key).toBe(`_receipts/${receipt.organization_id}/${receipt.study_id}.json`)
      const prefix = `${receipt.organization_id}/${receipt.study_id}/`
      expect(
        cloud
          .keys(destination, prefix)
          .map((each) => each.slice(prefix.length))
          .sort(),
      ).toEqual(receipt.objects.map(({ path }: { path: string }) => path).sort())
      for (const { path, size, crc32c, generation } of receipt.objects)
        expect(cloud.describe(destination, prefix + path)).toMatchObject({ size, crc32c, generation })
    }
  })

  test("leaves nothing in the spool and no claim behind", () => {
    expect(readdirSync(hospital.env.SPOOL_DIR!)).toEqual([])
    expect(hospital.rows("select * from claims")).toEqual([])
    expect(hospital.rows("select script, outcome from runs")).toEqual([{ script: "run", outcome: "failed" }])
  })

  test("keeps names, e-mails and report texts to the reports: out of ledger, logs, documents and metadata", async () => {
    const { cloud, destination } = hospital
    await hospital.copy()
    const ledger = await hospital.withDeps(async () => filesOf(dirname(hospital.ledgerPath)))
    expect(ledger.map(({ name }) => name).sort()).toEqual([
      "ledger.sqlite",
      "ledger.sqlite-shm",
      "ledger.sqlite-wal",
    ])
    const made = cloud
      .keys(destination)
      .filter((key) => !key.includes("/reports/") && !key.includes("/dicom_files/"))
    const places = [
      ...ledger,
      { name: "logs", bytes: Buffer.from(hospital.logged.join("")) },
      { name: "document", bytes: Buffer.from(JSON.stringify(first)) },
      ...made.map((key) => ({ name: key, bytes: Buffer.from(hospital.text(key)) })),
      ...cloud.keys(destination).map((key) => ({
        name: `metadata of ${key}`,
        bytes: Buffer.from(JSON.stringify(cloud.describe(destination, key)!.metadata)),
      })),
    ]
    expect(seeded.personal.length).toBeGreaterThan(20)
    const found = places.flatMap(({ name, bytes }) =>
      seeded.personal.filter((words) => bytes.includes(words)).map((words) => `${words} in ${name}`),
    )
    expect(found).toEqual([])
    // The other way round: the words are there to be found.
    const reports = cloud.keys(destination).filter((key) => key.includes("/reports/"))
    expect(
      reports.filter((key) => hospital.text(key).includes(seeded.personal.at(-1)!)).length,
    ).toBeGreaterThan(20)
  })

  test("finds nothing to upload when it is run again, and only what is missing to look for", async () => {
    const { cloud, destination } = hospital
    const before = cloud.keys(destination).map((key) => cloud.describe(destination, key)!.generation)
    cloud.log.clear()
    const again = await hospital.run()
    expect(again.discovery.studies).toMatchObject({
      new: 0,
      changed: 0,
      unchanged: 27,
      withdrawn: 0,
      out_of_cohort: 0,
    })
    expect(again.copy.totals).toMatchObject({ studies: 2, failed: 2, bytes: 0 })
    expect(cloud.keys(destination).map((key) => cloud.describe(destination, key)!.generation)).toEqual(before)
    expect(cloud.log.count({ effect: "created" }) + cloud.log.count({ effect: "replaced" })).toBe(0)
    // The object, once; the report's text besides in the database. Done objects are not even looked at.
    expect(cloud.log.counters.operations["s3.get"]).toEqual({ 404: 2 })
    // Each series once more, whether somebody has overwritten it since or is about to.
    const looks = cloud.log.find({ operation: "gcs.get" }).map(({ key }) => key)
    const packed = cloud
      .keys(destination)
      .filter((key) => key.startsWith("cod/") && key.endsWith("/metadata.json"))
    const folders = packed.map((key) => key.slice(0, -"metadata.json".length))
    expect(looks.sort()).toEqual([...packed, ...folders.map((folder) => `${folder}.gradient.lock`)].sort())
    expect(cloud.log.counters.operations["gcs.media"]).toBeUndefined()
  })

  test("completes a study as soon as what was missing is there", async () => {
    const seed = described(MISSING)
    const image = seed.images[1]!
    hospital.cloud.put(hospital.origin, image.file_path!, dicomBody())
    const { copy } = await hospital.run()
    expect(copy.studies.find(({ study_id }) => study_id === seed.study.id)).toMatchObject({
      success: true,
      dicom_files_uploaded: 1,
      skipped: 3,
      errors: [],
      instances_new: 1,
    })
    expect(hospital.cloud.keys(hospital.destination)).toContain(receiptKey(idsOf(seed)))
  })
})

const isListed = (key: string) => key.includes("/dicom_files/")

/** Reports that count, by the doctors ranked 2 to 6. */
function isOfChosen({ plan, reports }: SeedStudy) {
  return (report: { id: string }) => {
    const {
      by,
      status = "SIGNED",
      active = true,
      deleted = false,
    } = plan.reports[reports.findIndex(({ id }) => id === report.id)]!
    return status === "SIGNED" && active && !deleted && typeof by === "number" && by >= 2 && by <= 6
  }
}

function filesOf(folder: string) {
  return readdirSync(folder).map((name) => ({ name, bytes: readFileSync(`${folder}/${name}`) }))
}
