import { describe, expect, test } from "bun:test"
import { readdirSync } from "node:fs"
import { openFileStore } from "../../lib/storage/file.ts"
import { bytesAt, keysIn } from "../contract/bodies.ts"
import { type Chest, dicomBody } from "../support/chest.ts"
import { folderDestination, type Hospital, openHospital } from "../support/hospital.ts"

const described = ({ cloud, destination }: Hospital, key: string) => cloud.describe(destination, key)!
const stored = ({ cloud, destination }: Hospital, key: string) => cloud.get(destination, key)?.bytes
const effects = ({ cloud, destination }: Hospital, key: string) =>
  cloud.log.find({ bucket: destination, key }).flatMap(({ effect }) => effect ?? [])
const failures = (hospital: Hospital) =>
  hospital.rows<{ verdict: string; error_class: string; path: string }>(
    "select verdict, error_class, path from failures order by path",
  )
const attempts = (hospital: Hospital) =>
  hospital.rows<{ try: number; outcome: string | null; error_class: string | null }>(
    "select try, outcome, error_class from copy_attempts where position = 2 order by try",
  )

/** One object after the other: metadata, report, images, receipt. Then an upload's place tells whose it is. */
const IMAGE = 3
const RECEIPT = 4

async function openOrderly() {
  const hospital = await openHospital()
  hospital.env.OBJECTS_IN_FLIGHT = "1"
  return hospital
}

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
    const { copy, code } = await hospital.run()
    expect(copy.studies[0]).toMatchObject({
      success: true,
      dicom_files_uploaded: 0,
      skipped: 2,
      reports_uploaded: 1,
    })
    expect(copy.totals.bytes).toBe(
      described(hospital, study.metadataKey).size + described(hospital, study.reportKeys[0]!).size,
    )
    expect(study.imageKeys.map((key) => described(hospital, key).generation)).toEqual(
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
    const { copy } = await hospital.run()
    expect(copy.studies[0]).toMatchObject({ success: false, metadata_uploaded: true, reports_uploaded: 1 })
    expect(failures(hospital)).toEqual([
      { path: key, verdict: "give-up", error_class: "DestinationConflict" },
    ])
    expect(cloud.keys(destination, "_receipts/")).toEqual([])
    expect((await hospital.copy()).studies).toEqual([])
    expect((await hospital.copy({ retryFailed: true })).totals).toMatchObject({ studies: 1, failed: 1 })
    expect(described(hospital, key).generation).toBe(foreign.generation)
    expect((await hospital.copy({ studyIds: [study.studyId], force: true })).code).toBe(0)
    expect(stored(hospital, key)).toEqual(dicomBody(1))
    expect(effects(hospital, key)).toEqual(["replaced"])
  })

  test("of a size that differs by nothing, with other bytes, is a conflict too", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    hospital.cloud.put(
      hospital.destination,
      study.reportKeys[0]!,
      hospital.cloud.get(hospital.origin, study.reportKeys[0]!)!.bytes.with(0, 0),
    )
    await hospital.run()
    expect(failures(hospital)).toMatchObject([
      { path: study.reportKeys[0], error_class: "DestinationConflict" },
    ])
  })

  test("is replaced under its generation when we put it there and the source changed", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.run()
    const [key] = study.imageKeys as [string]
    const receipt = described(hospital, study.receiptKey).generation
    await changeImage(hospital, study, 5)
    const { discovery, copy } = await hospital.run()
    expect(discovery.studies).toMatchObject({ changed: 1, new: 0 })
    expect(copy.studies[0]).toMatchObject({
      success: true,
      dicom_files_uploaded: 1,
      skipped: 2,
      metadata_uploaded: false,
    })
    expect(stored(hospital, key)).toEqual(dicomBody(5))
    expect(effects(hospital, key)).toEqual(["created", "replaced"])
    expect(effects(hospital, study.receiptKey)).toEqual(["created", "replaced"])
    expect(described(hospital, study.receiptKey).generation).not.toBe(receipt)
  })

  test("is left as it is when the row changed and the bytes did not: nothing is read or written", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.run()
    await hospital.pacs.sql`update pacs_images set created_at = created_at + interval '1 second'`
    hospital.cloud.log.clear()
    const { copy } = await hospital.run()
    expect(copy.studies[0]).toMatchObject({ success: true, dicom_files_uploaded: 0, skipped: 3, bytes: 0 })
    expect(attempts(hospital).at(-1)).toMatchObject({ outcome: "unchanged" })
    expect(hospital.cloud.log.count({ operation: "s3.get" })).toBe(0)
    expect(effects(hospital, study.imageKeys[0]!)).toEqual([])
    expect(effects(hospital, study.receiptKey)).toEqual([])
  })

  test("is a conflict when we put it there and somebody has replaced it since", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.run()
    const [key] = study.imageKeys as [string]
    const foreign = hospital.cloud.put(hospital.destination, key, dicomBody(9))
    await changeImage(hospital, study, 5)
    expect((await hospital.run()).code).toBe(1)
    expect(failures(hospital)).toMatchObject([{ path: key, error_class: "DestinationConflict" }])
    expect(described(hospital, key).generation).toBe(foreign.generation)
  })

  test("with --force is copied again and replaced, done or not, ours or not, under the generation it has", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.run()
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
    expect(effects(hospital, study.imageKeys[0]!)).toEqual(["created", "replaced"])
    expect(code).toBe(0)
    // An order is carried out once.
    expect((await hospital.copy()).studies).toEqual([])
  })
})

describe("an answer that does not name what was sent", () => {
  test.each([
    ["small", 400],
    ["large", 2 << 20],
  ])("makes the object go again under its own generation, and is tried anew: %s", async (_, size) => {
    using hospital = await openOrderly()
    const study = await hospital.admit()
    const [key] = study.imageKeys as [string]
    hospital.cloud.put(hospital.origin, key, dicomBody(1, size))
    const upload =
      size > 1 << 20 ? { operation: "gcs.resumable.write" } : { operation: "gcs.insert", nth: IMAGE }
    hospital.cloud.fail({ ...upload, fault: { kind: "wrong-checksum" } })
    expect((await hospital.run()).code).toBe(0)
    expect(effects(hospital, key)).toEqual(["created", "deleted", "created"])
    expect(attempts(hospital)).toEqual([
      { try: 1, outcome: "failed", error_class: "ChecksumMismatch" },
      { try: 2, outcome: "copied", error_class: null },
    ])
    expect(stored(hospital, key)).toEqual(dicomBody(1, size))
  })

  test("every time is a ChecksumMismatch to be tried by the next run, and nothing stands", async () => {
    using hospital = await openOrderly()
    const study = await hospital.admit()
    const [key] = study.imageKeys as [string]
    hospital.cloud.fail({ operation: "gcs.insert", nth: IMAGE, times: 3, fault: { kind: "wrong-checksum" } })
    expect((await hospital.run()).code).toBe(1)
    expect(failures(hospital)).toEqual([{ path: key, verdict: "retry", error_class: "ChecksumMismatch" }])
    expect(attempts(hospital)).toHaveLength(3)
    expect(stored(hospital, key)).toBeUndefined()
    expect((await hospital.copy()).code).toBe(0)
  })

  test("whose object may not be deleted is remembered with its generation, until it is put right", async () => {
    using hospital = await openOrderly()
    const study = await hospital.admit()
    const [key] = study.imageKeys as [string]
    hospital.cloud.roles.allow("anonymous", {
      [hospital.destination]: ["storage.objects.create", "storage.objects.get", "storage.objects.list"],
    })
    hospital.cloud.roles.allow(
      { accessKeyId: hospital.env.AWS_ACCESS_KEY_ID!, secretAccessKey: hospital.env.AWS_SECRET_ACCESS_KEY! },
      { "*": ["s3:GetObject", "s3:ListBucket"] },
    )
    const wrongAnswer = { kind: "wrong-checksum" } as const
    hospital.cloud.fail({ operation: "gcs.insert", nth: IMAGE, fault: wrongAnswer })
    const lies = hospital.cloud.fail({ operation: "gcs.get", key, times: 1000, fault: wrongAnswer })
    expect((await hospital.run()).code).toBe(1)
    const [wrong] = hospital.rows<{ path: string; wrong_generation: string }>(
      "select path, wrong_generation from objects where wrong_generation is not null",
    )
    expect(wrong).toEqual({
      path: expect.stringContaining(".dcm"),
      wrong_generation: described(hospital, key).generation,
    })
    lies.release()
    expect((await hospital.copy()).code).toBe(0)
    expect(hospital.rows("select 1 from objects where wrong_generation is not null")).toEqual([])
  })

  test("is not believed when bytes change on the way: they never become visible", async () => {
    using hospital = await openOrderly()
    const study = await hospital.admit()
    const [key] = study.imageKeys as [string]
    hospital.cloud.put(hospital.origin, key, dicomBody(1, 100_000))
    hospital.cloud.fail({ operation: "gcs.insert", nth: IMAGE, fault: { kind: "corrupt-upload" } })
    expect((await hospital.run()).code).toBe(0)
    expect(effects(hospital, key)).toEqual(["created"])
    expect(attempts(hospital)).toEqual([
      { try: 1, outcome: "failed", error_class: "ChecksumMismatch" },
      { try: 2, outcome: "copied", error_class: null },
    ])
  })

  test("or never comes after a write that took effect is settled by looking: one create", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    const lost = hospital.cloud.fail({
      operation: "gcs.insert",
      times: 4,
      fault: { kind: "reset", afterEffect: true },
    })
    expect((await hospital.run()).code).toBe(0)
    expect(lost.hits).toBe(4)
    for (const key of [study.imageKeys[0]!, study.receiptKey]) {
      expect(effects(hospital, key)).toEqual(["created"])
      expect(hospital.cloud.log.count({ key, status: 412 })).toBe(0)
    }
  })
})

describe("with the right to create objects only", () => {
  async function limitedHospital() {
    const hospital = await openOrderly()
    hospital.cloud.roles.allow("anonymous", { [hospital.destination]: ["storage.objects.create"] })
    hospital.cloud.roles.allow(
      { accessKeyId: hospital.env.AWS_ACCESS_KEY_ID!, secretAccessKey: hospital.env.AWS_SECRET_ACCESS_KEY! },
      { [hospital.origin]: ["s3:GetObject", "s3:ListBucket"] },
    )
    return hospital
  }

  test("new studies are copied whole, small objects and large", async () => {
    using hospital = await limitedHospital()
    const study = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    hospital.cloud.put(hospital.origin, study.imageKeys[1]!, dicomBody(2, 2 << 20))
    expect((await hospital.run()).copy.studies[0]).toMatchObject({ success: true, dicom_files_uploaded: 2 })
    expect(hospital.cloud.keys(hospital.destination)).toHaveLength(5)
  })

  test("what stands there already cannot be looked at, is left alone and a person decides", async () => {
    using hospital = await limitedHospital()
    const study = await hospital.admit()
    const [key] = study.imageKeys as [string]
    const there = hospital.cloud.put(hospital.destination, key, dicomBody(1))
    const { copy } = await hospital.run()
    expect(copy.studies[0]).toMatchObject({ success: false, metadata_uploaded: true, reports_uploaded: 1 })
    expect(failures(hospital)).toEqual([
      { path: key, verdict: "give-up", error_class: "DestinationExistsUnreadable" },
    ])
    expect(described(hospital, key).generation).toBe(there.generation)
  })

  test("a copy that was broken off goes on: what is there is told, what is not is created", async () => {
    using hospital = await limitedHospital()
    const study = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    await hospital.discover()
    const [landed, lost] = study.imageKeys as [string, string]
    const forced = new AbortController()
    const answer = hospital.cloud.fail({ operation: "gcs.insert", nth: IMAGE + 1, fault: { kind: "stall" } })
    const stop = { requested: new AbortController().signal, forced: forced.signal }
    const copying = hospital.copy({}, stop).catch((error: unknown) => error)
    await answer.reached()
    await hospital.cloud.log.reached({ key: landed, effect: "created" }, 1)
    forced.abort(new Error("killed"))
    expect(await copying).toBeInstanceOf(Error)
    answer.release()
    await hospital.cloud.log.reached({ operation: "gcs.insert", key: lost }, 1)
    hospital.cloud.delete(hospital.destination, lost)
    await hospital.copy()
    expect(stored(hospital, lost)).toEqual(dicomBody(2))
    expect(failures(hospital).filter(({ path }) => path === lost)).toEqual([])
    expect(failures(hospital).every(({ error_class }) => error_class === "DestinationExistsUnreadable")).toBe(
      true,
    )
  })

  test("a receipt that stands there already is told of the study as a whole", async () => {
    using hospital = await limitedHospital()
    const study = await hospital.admit()
    hospital.cloud.put(hospital.destination, study.receiptKey, "{}")
    expect((await hospital.run()).copy.studies[0]).toMatchObject({
      success: false,
      dicom_files_uploaded: 1,
      errors: ["DestinationExistsUnreadable: a receipt stands at the destination and may not be read"],
    })
    expect(failures(hospital)).toMatchObject([
      { verdict: "give-up", error_class: "DestinationExistsUnreadable" },
    ])
  })
})

describe("a receipt", () => {
  test("that is not ours is never overwritten", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    hospital.cloud.put(hospital.destination, study.receiptKey, "somebody else's")
    const { copy, code } = await hospital.run()
    expect(copy.studies[0]).toMatchObject({ success: false, dicom_files_uploaded: 1 })
    expect(hospital.text(study.receiptKey)).toBe("somebody else's")
    expect(failures(hospital)).toMatchObject([{ verdict: "give-up", error_class: "DestinationConflict" }])
    expect(code).toBe(1)
  })

  test("is written last: while an object is missing there is none", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    hospital.cloud.delete(hospital.origin, study.imageKeys[0]!)
    await hospital.run()
    expect(hospital.cloud.keys(hospital.destination)).toEqual(
      [study.metadataKey, study.reportKeys[0]!].sort(),
    )
    hospital.cloud.put(hospital.origin, study.imageKeys[0]!, dicomBody())
    hospital.cloud.log.clear()
    await hospital.run()
    const written = hospital.cloud.log.entries
      .filter(({ effect }) => effect === "created")
      .map(({ key }) => key)
    expect(written).toEqual([study.imageKeys[0]!, study.receiptKey])
  })

  test("that could not be written is written by the next run, and nothing else", async () => {
    using hospital = await openOrderly()
    const study = await hospital.admit()
    const { cloud } = hospital
    const outage = { kind: "status", status: 503 } as const
    const down = cloud.fail({ operation: "gcs.insert", nth: RECEIPT, times: 1000, fault: outage })
    expect((await hospital.run()).copy.studies[0]).toMatchObject({ success: false, dicom_files_uploaded: 1 })
    expect(failures(hospital)).toMatchObject([{ verdict: "retry", error_class: "Unavailable" }])
    down.release()
    cloud.log.clear()
    expect((await hospital.run()).copy.studies[0]).toMatchObject({ success: true, skipped: 3, errors: [] })
    expect(failures(hospital)).toEqual([])
    expect(cloud.log.entries.flatMap(({ key, effect }) => (effect === undefined ? [] : [key]))).toEqual([
      study.receiptKey,
    ])
  })
})

describe("a folder as the destination", () => {
  test("gets the same layout, adopts, replaces and refuses the same", async () => {
    using hospital = await openHospital()
    const folder = folderDestination(hospital.dir)
    hospital.env.DESTINATION_URI = folder.uri
    const study = await hospital.admit({ images: [{}, { instance_number: 2 }] })
    hospital.cloud.put(hospital.origin, study.imageKeys[1]!, dicomBody(2, 2 << 20))
    expect((await hospital.run()).code).toBe(0)
    using store = openFileStore(folder.path)
    expect(await keysIn(store)).toEqual(
      [...study.imageKeys, study.metadataKey, study.reportKeys[0]!, study.receiptKey].sort(),
    )
    expect(await bytesAt(store, study.imageKeys[1]!)).toEqual(dicomBody(2, 2 << 20))
    await Bun.write(`${folder.path}/${study.imageKeys[0]}`, "somebody else's")
    await changeImage(hospital, study, 5)
    expect((await hospital.run()).code).toBe(1)
    expect(failures(hospital)).toMatchObject([
      { path: study.imageKeys[0], error_class: "DestinationConflict" },
    ])
    expect((await hospital.copy({ studyIds: [study.studyId], force: true })).code).toBe(0)
    expect(await bytesAt(store, study.imageKeys[0]!)).toEqual(dicomBody(5))
    expect(readdirSync(hospital.env.SPOOL_DIR!)).toEqual([])
  })
})
