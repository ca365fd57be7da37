import { describe, expect, test } from "bun:test"
import { readdirSync } from "node:fs"
import { openFileStore } from "../../../lib/storage/file.ts"
import { bytesAt, keysIn } from "../../contract/bodies.ts"
import { type Chest, dicomBody } from "../../support/chest.ts"
import {
  describedAt,
  effectsAt,
  failures,
  folderDestination,
  type Hospital,
  openHospital,
  storedAt,
} from "../../support/hospital.ts"

const attempts = (hospital: Hospital) =>
  hospital.rows<{ try: number; outcome: string | null; error_class: string | null }>(
    "select try, outcome, error_class from copy_attempts where position = 2 order by try",
  )

/** The source of a study's only image changes, and the database says so. */
async function changeImage(hospital: Hospital, study: Chest, seed: number) {
  hospital.cloud.put(hospital.origin, study.imageKeys[0]!, dicomBody(seed))
  await hospital.pacs.sql`update pacs_images set created_at = created_at + interval '1 second'`
}

describe("what stands at the destination already", () => {
  test("is adopted when it is the same, whoever put it there: nothing new appears", async () => {
    using hospital = await openHospital()
    const { cloud, destination } = hospital
    const study = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    const [small, large] = study.imageKeys as [string, string]
    const body = dicomBody(3, 2 << 20)
    cloud.put(hospital.origin, large, body)
    const before = [cloud.put(destination, small, dicomBody(1)), cloud.put(destination, large, body)]
    const { copy, code } = await hospital.discoverAndCopy()
    expect(copy.studies[0]).toMatchObject({
      success: true,
      dicom_files_uploaded: 0,
      skipped: 2,
      reports_uploaded: 1,
    })
    expect(copy.totals.bytes).toBe(
      describedAt(hospital, study.metadataKey).size + describedAt(hospital, study.reportKeys[0]!).size,
    )
    expect(study.imageKeys.map((key) => describedAt(hospital, key).generation)).toEqual(
      before.map(({ generation }) => generation),
    )
    expect(hospital.rows("select outcome, bytes from copy_attempts where position > 1")).toEqual([
      { outcome: "adopted", bytes: 0 },
      { outcome: "adopted", bytes: 0 },
    ])
    const receipt = JSON.parse(hospital.text(study.receiptKey))
    expect(receipt.objects.at(-1)).toMatchObject({ generation: before[1]!.generation, size: 2 << 20 })
    expect(code).toBe(0)
  })

  test("is a conflict when it is different and not ours: left alone, the rest goes on, a person decides", async () => {
    using hospital = await openHospital()
    const { cloud, destination } = hospital
    const study = await hospital.admit()
    const [key] = study.imageKeys as [string]
    const foreign = cloud.put(destination, key, dicomBody(9))
    const { copy } = await hospital.discoverAndCopy()
    expect(copy.studies[0]).toMatchObject({ success: false, metadata_uploaded: true, reports_uploaded: 1 })
    expect(failures(hospital)).toEqual([
      { path: key, verdict: "give-up", error_class: "DestinationConflict" },
    ])
    expect(cloud.keys(destination, "_receipts/")).toEqual([])
    expect((await hospital.copy()).studies).toEqual([])
    expect((await hospital.copy({ retryFailed: true })).totals).toMatchObject({ studies: 1, failed: 1 })
    expect(describedAt(hospital, key).generation).toBe(foreign.generation)
    expect((await hospital.copy({ studyIds: [study.studyId], force: true })).code).toBe(0)
    expect(storedAt(hospital, key)).toEqual(dicomBody(1))
    expect(effectsAt(hospital, key)).toEqual(["replaced"])
  })

  test("of a size that differs by nothing, with other bytes, is a conflict too", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    hospital.cloud.put(
      hospital.destination,
      study.reportKeys[0]!,
      hospital.cloud.get(hospital.origin, study.reportKeys[0]!)!.bytes.with(0, 0),
    )
    await hospital.discoverAndCopy()
    expect(failures(hospital)).toMatchObject([
      { path: study.reportKeys[0], error_class: "DestinationConflict" },
    ])
  })

  test("is replaced under its generation when we put it there and the source changed", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.discoverAndCopy()
    const [key] = study.imageKeys as [string]
    const receipt = describedAt(hospital, study.receiptKey).generation
    await changeImage(hospital, study, 5)
    const { discovery, copy } = await hospital.discoverAndCopy()
    expect(discovery.studies).toMatchObject({ changed: 1, new: 0 })
    expect(copy.studies[0]).toMatchObject({
      success: true,
      dicom_files_uploaded: 1,
      skipped: 2,
      metadata_uploaded: false,
    })
    expect(storedAt(hospital, key)).toEqual(dicomBody(5))
    expect(effectsAt(hospital, key)).toEqual(["created", "replaced"])
    expect(effectsAt(hospital, study.receiptKey)).toEqual(["created", "replaced"])
    expect(describedAt(hospital, study.receiptKey).generation).not.toBe(receipt)
  })

  test("is left as it is when the row changed and the bytes did not: nothing is read or written", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.discoverAndCopy()
    await hospital.pacs.sql`update pacs_images set created_at = created_at + interval '1 second'`
    hospital.cloud.log.clear()
    const { copy } = await hospital.discoverAndCopy()
    expect(copy.studies[0]).toMatchObject({ success: true, dicom_files_uploaded: 0, skipped: 3, bytes: 0 })
    expect(attempts(hospital).at(-1)).toMatchObject({ outcome: "unchanged" })
    expect(hospital.cloud.log.count({ operation: "s3.get" })).toBe(0)
    expect(effectsAt(hospital, study.imageKeys[0]!)).toEqual([])
    expect(effectsAt(hospital, study.receiptKey)).toEqual([])
  })

  test("is a conflict when we put it there and somebody has replaced it since", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.discoverAndCopy()
    const [key] = study.imageKeys as [string]
    const foreign = hospital.cloud.put(hospital.destination, key, dicomBody(9))
    await changeImage(hospital, study, 5)
    expect((await hospital.discoverAndCopy()).code).toBe(1)
    expect(failures(hospital)).toMatchObject([{ path: key, error_class: "DestinationConflict" }])
    expect(describedAt(hospital, key).generation).toBe(foreign.generation)
  })

  test("with --force is copied again and replaced, done or not, ours or not, under the generation it has", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.discoverAndCopy()
    hospital.cloud.put(hospital.destination, study.metadataKey, "somebody else's")
    const { studies, code } = await hospital.copy({ force: true })
    expect(studies[0]).toMatchObject({
      success: true,
      dicom_files_uploaded: 1,
      reports_uploaded: 1,
      metadata_uploaded: true,
      skipped: 0,
    })
    expect(hospital.text(study.metadataKey)).toContain(study.studyId)
    expect(effectsAt(hospital, study.imageKeys[0]!)).toEqual(["created", "replaced"])
    expect(code).toBe(0)
    // An order is carried out once.
    expect((await hospital.copy()).studies).toEqual([])
  })
})

describe("a folder as the destination", () => {
  test("gets the same layout, adopts, replaces and refuses the same", async () => {
    using hospital = await openHospital()
    const folder = folderDestination(hospital.dir)
    hospital.env.DESTINATION_URI = folder.uri
    const study = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    hospital.cloud.put(hospital.origin, study.imageKeys[1]!, dicomBody(2, 2 << 20))
    expect((await hospital.discoverAndCopy()).code).toBe(0)
    using store = openFileStore(folder.path)
    expect(await keysIn(store)).toEqual(
      [...study.imageKeys, study.metadataKey, study.reportKeys[0]!, study.receiptKey].sort(),
    )
    expect(await bytesAt(store, study.imageKeys[1]!)).toEqual(dicomBody(2, 2 << 20))
    await Bun.write(`${folder.path}/${study.imageKeys[0]}`, "somebody else's")
    await changeImage(hospital, study, 5)
    expect((await hospital.discoverAndCopy()).code).toBe(1)
    expect(failures(hospital)).toMatchObject([
      { path: study.imageKeys[0], error_class: "DestinationConflict" },
    ])
    expect((await hospital.copy({ studyIds: [study.studyId], force: true })).code).toBe(0)
    expect(await bytesAt(store, study.imageKeys[0]!)).toEqual(dicomBody(5))
    expect(readdirSync(hospital.env.SPOOL_DIR!)).toEqual([])
  })
})
