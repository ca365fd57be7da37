import { describe, expect, test } from "bun:test"
import { LedgerUnusable } from "../../../lib/ledger/errors.ts"
import { copyStudies } from "../../../lib/pipeline/copy/copy.ts"
import { failureOf } from "../../contract/bodies.ts"
import { dicomBody } from "../../support/chest.ts"
import {
  describedAt,
  effectsAt,
  failures,
  type Hospital,
  openHospital,
  storedAt,
} from "../../support/hospital.ts"

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
    expect((await hospital.discoverAndCopy()).code).toBe(0)
    expect(effectsAt(hospital, key)).toEqual(["created", "deleted", "created"])
    expect(attempts(hospital)).toEqual([
      { try: 1, outcome: "failed", error_class: "ChecksumMismatch" },
      { try: 2, outcome: "copied", error_class: null },
    ])
    expect(storedAt(hospital, key)).toEqual(dicomBody(1, size))
  })

  test("every time is a ChecksumMismatch to be tried by the next run, and nothing stands", async () => {
    using hospital = await openOrderly()
    const study = await hospital.admit()
    const [key] = study.imageKeys as [string]
    hospital.cloud.fail({ operation: "gcs.insert", nth: IMAGE, times: 3, fault: { kind: "wrong-checksum" } })
    expect((await hospital.discoverAndCopy()).code).toBe(1)
    expect(failures(hospital)).toEqual([{ path: key, verdict: "retry", error_class: "ChecksumMismatch" }])
    expect(attempts(hospital)).toHaveLength(3)
    expect(storedAt(hospital, key)).toBeUndefined()
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
    expect((await hospital.discoverAndCopy()).code).toBe(1)
    const [wrong] = hospital.rows<{ path: string; wrong_generation: string }>(
      "select path, wrong_generation from objects where wrong_generation is not null",
    )
    expect(wrong).toEqual({
      path: expect.stringContaining(".dcm"),
      wrong_generation: describedAt(hospital, key).generation,
    })
    expect(attempts(hospital)).toEqual([{ try: 1, outcome: "failed", error_class: "WrongBytesRemain" }])
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
    expect((await hospital.discoverAndCopy()).code).toBe(0)
    expect(effectsAt(hospital, key)).toEqual(["created"])
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
    expect((await hospital.discoverAndCopy()).code).toBe(0)
    expect(lost.hits).toBe(4)
    for (const key of [study.imageKeys[0]!, study.receiptKey]) {
      expect(effectsAt(hospital, key)).toEqual(["created"])
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
    expect((await hospital.discoverAndCopy()).copy.studies[0]).toMatchObject({
      success: true,
      dicom_files_uploaded: 2,
    })
    expect(hospital.cloud.keys(hospital.destination)).toHaveLength(5)
  })

  test("what stands there already cannot be looked at, is left alone and a person decides", async () => {
    using hospital = await limitedHospital()
    const study = await hospital.admit()
    const [key] = study.imageKeys as [string]
    const there = hospital.cloud.put(hospital.destination, key, dicomBody(1))
    const { copy } = await hospital.discoverAndCopy()
    expect(copy.studies[0]).toMatchObject({ success: false, metadata_uploaded: true, reports_uploaded: 1 })
    expect(failures(hospital)).toEqual([
      { path: key, verdict: "give-up", error_class: "DestinationExistsUnreadable" },
    ])
    expect(describedAt(hospital, key).generation).toBe(there.generation)
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
    expect(storedAt(hospital, lost)).toEqual(dicomBody(2))
    expect(failures(hospital).filter(({ path }) => path === lost)).toEqual([])
    expect(failures(hospital).every(({ error_class }) => error_class === "DestinationExistsUnreadable")).toBe(
      true,
    )
  })

  test("and to look, what changed cannot be replaced: that object fails, to be tried again, and the run goes on", async () => {
    using hospital = await openHospital()
    const changed = await hospital.admit({ reports: [{ signed_at: "2024-01-01T00:00:00+00:00" }] })
    await hospital.discoverAndCopy()
    hospital.cloud.roles.allow("anonymous", {
      [hospital.destination]: ["storage.objects.create", "storage.objects.get"],
    })
    hospital.cloud.roles.allow(
      { accessKeyId: hospital.env.AWS_ACCESS_KEY_ID!, secretAccessKey: hospital.env.AWS_SECRET_ACCESS_KEY! },
      { [hospital.origin]: ["s3:GetObject", "s3:ListBucket"] },
    )
    hospital.cloud.put(hospital.origin, changed.imageKeys[0]!, dicomBody(5))
    await hospital.pacs.sql`update pacs_images set created_at = now()`
    const fresh = await hospital.admit()
    await hospital.discover()
    const { studies } = await hospital.copy({ concurrency: 1 })
    expect(studies.find(({ study_id }) => study_id === fresh.studyId)).toMatchObject({ success: true })
    expect(failures(hospital)).toEqual([
      { path: changed.imageKeys[0]!, verdict: "retry", error_class: "AccessDenied" },
    ])
  })

  test("a receipt that stands there already is told of the study as a whole", async () => {
    using hospital = await limitedHospital()
    const study = await hospital.admit()
    hospital.cloud.put(hospital.destination, study.receiptKey, "{}")
    expect((await hospital.discoverAndCopy()).copy.studies[0]).toMatchObject({
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
    const { copy, code } = await hospital.discoverAndCopy()
    expect(copy.studies[0]).toMatchObject({ success: false, dicom_files_uploaded: 1 })
    expect(hospital.text(study.receiptKey)).toBe("somebody else's")
    expect(failures(hospital)).toMatchObject([{ verdict: "give-up", error_class: "DestinationConflict" }])
    expect(code).toBe(1)
  })

  test("that was written by a run that died before it could say so is recognised, not written again", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    await hospital.discover()
    const never = new AbortController().signal
    const killed = hospital.withDeps((deps) => {
      const write: typeof deps.destination.write = async (...call) => {
        const written = await deps.destination.write(...call)
        if (call[0] === study.receiptKey) throw new LedgerUnusable("the power is gone", "")
        return written
      }
      const destination = { ...deps.destination, write }
      return copyStudies({ ...deps, destination }, { concurrency: 1 }, { requested: never, forced: never })
    })
    expect(await failureOf(killed)).toBeInstanceOf(LedgerUnusable)
    expect((await hospital.copy()).studies[0]).toMatchObject({ success: true, skipped: 3 })
    expect(effectsAt(hospital, study.receiptKey)).toEqual(["created"])
    expect((await hospital.verify()).code).toBe(0)
  })

  test("is written last: while an object is missing there is none", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    hospital.cloud.delete(hospital.origin, study.imageKeys[0]!)
    await hospital.discoverAndCopy()
    expect(hospital.cloud.keys(hospital.destination)).toEqual(
      [study.metadataKey, study.reportKeys[0]!].sort(),
    )
    hospital.cloud.put(hospital.origin, study.imageKeys[0]!, dicomBody())
    hospital.cloud.log.clear()
    await hospital.discoverAndCopy()
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
    expect((await hospital.discoverAndCopy()).copy.studies[0]).toMatchObject({
      success: false,
      dicom_files_uploaded: 1,
    })
    expect(failures(hospital)).toMatchObject([{ verdict: "retry", error_class: "Unavailable" }])
    down.release()
    cloud.log.clear()
    expect((await hospital.discoverAndCopy()).copy.studies[0]).toMatchObject({
      success: true,
      skipped: 3,
      errors: [],
    })
    expect(failures(hospital)).toEqual([])
    expect(cloud.log.entries.flatMap(({ key, effect }) => (effect === undefined ? [] : [key]))).toEqual([
      study.receiptKey,
    ])
  })
})
