import { describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { describedAt, effectsAt, failures, type Hospital, openHospital } from "../../support/hospital.ts"

/** The ledger is gone, the destination is not. */
function loseLedger({ ledgerPath }: Hospital) {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(ledgerPath + suffix, { force: true })
}

const receiptOf = (hospital: Hospital, key: string) => JSON.parse(hospital.text(key))

describe("a receipt that another ledger wrote", () => {
  test("is taken over as it is when it says the same: a lost ledger costs no write", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    await hospital.discoverAndCopy()
    const before = describedAt(hospital, study.receiptKey).generation
    loseLedger(hospital)
    const { copy, code } = await hospital.discoverAndCopy()
    expect(copy.totals).toMatchObject({ succeeded: 1, failed: 0, bytes: 0, skipped: 4 })
    expect(describedAt(hospital, study.receiptKey).generation).toBe(before)
    expect(code).toBe(0)
    expect((await hospital.verify()).problems).toEqual([])
  })

  test("is replaced under its generation when all that it names stands there and more", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({ images: [{ file_path: "archive/1.dcm" }] })
    await hospital.discoverAndCopy()
    loseLedger(hospital)
    await hospital.pacs.sql`insert into pacs_images (id, series_id, instance_number, file_path)
      select gen_random_uuid(), series_id, 2, file_path from pacs_images`
    const { copy } = await hospital.discoverAndCopy()
    expect(copy.studies[0]).toMatchObject({ success: true, dicom_files_uploaded: 1, skipped: 3 })
    expect(effectsAt(hospital, study.receiptKey)).toEqual(["created", "replaced"])
    expect(receiptOf(hospital, study.receiptKey).objects).toHaveLength(4)
  })

  test("is left alone when it names what the new ledger does not know", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    await hospital.discoverAndCopy()
    loseLedger(hospital)
    await hospital.pacs.sql`delete from pacs_images where instance_number = 2`
    const { copy } = await hospital.discoverAndCopy()
    expect(copy.studies[0]!.success).toBe(false)
    expect(failures(hospital)).toMatchObject([{ error_class: "DestinationConflict", verdict: "give-up" }])
    expect(receiptOf(hospital, study.receiptKey).objects).toHaveLength(4)
  })

  test("is left alone when it is no receipt of this study, unless the operator orders otherwise", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    hospital.cloud.put(
      hospital.destination,
      study.receiptKey,
      JSON.stringify({ receipt_version: 1, objects: [] }),
    )
    const { copy } = await hospital.discoverAndCopy()
    expect(copy.studies[0]!.errors).toEqual([
      `DestinationConflict: a receipt that is not ours stands at ${study.receiptKey}`,
    ])
    expect(receiptOf(hospital, study.receiptKey)).toEqual({ receipt_version: 1, objects: [] })
    const forced = await hospital.copy({ studyIds: [study.studyId], force: true })
    expect(forced.studies[0]).toMatchObject({ success: true, errors: [] })
    expect(receiptOf(hospital, study.receiptKey).study_id).toBe(study.studyId)
  })

  test("that is no JSON at all is left alone, too", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    hospital.cloud.put(hospital.destination, study.receiptKey, "not JSON")
    await hospital.discoverAndCopy()
    expect(hospital.text(study.receiptKey)).toBe("not JSON")
    expect(failures(hospital)).toMatchObject([{ error_class: "DestinationConflict" }])
  })
})

test("a study that is named although something of it was given up tells what", async () => {
  using hospital = await openHospital()
  const study = await hospital.admit({ images: [{ file_path: "s3://elsewhere/x.dcm" }] })
  await hospital.discoverAndCopy()
  const { studies } = await hospital.copy({ studyIds: [study.studyId] })
  expect(studies[0]!.success).toBe(false)
  expect(studies[0]!.errors).toHaveLength(1)
  expect(studies[0]!.errors[0]).toContain("given up before; --retry-failed tries it again")
})
