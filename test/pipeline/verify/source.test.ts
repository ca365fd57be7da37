import { describe, expect, test } from "bun:test"
import { type Chest, dicomBody } from "../../support/chest.ts"
import { type Hospital, openHospital, storedAt } from "../../support/hospital.ts"

async function copied(count: number): Promise<{ hospital: Hospital; studies: Chest[] }> {
  const hospital = await openHospital()
  const studies: Chest[] = []
  for (let n = 0; n < count; n++)
    studies.push(await hospital.admit({ images: [{}, { file_path: `pacs/${n}.dcm` }] }))
  await hospital.discoverAndCopy()
  hospital.cloud.log.clear()
  return { hospital, studies }
}

describe("verify --source", () => {
  test("finds nothing where nothing changed: a listing a study, a head for what lies elsewhere, no body", async () => {
    const { hospital } = await copied(3)
    using _ = hospital
    expect(await hospital.verify({ source: true })).toMatchObject({ code: 0, problems: [], queued: 0 })
    const { log } = hospital.cloud
    const probe = 1
    expect(log.count({ operation: "s3.list" })).toBe(3 + probe)
    expect(log.count({ operation: "s3.head" })).toBe(3)
    expect(log.count({ operation: "s3.get" })).toBe(0)
  })

  test("tells what changed at the origin and queues it: the next copy brings it, and nothing else", async () => {
    const { hospital, studies } = await copied(2)
    using _ = hospital
    const { cloud, origin } = hospital
    const [{ studyId, imageKeys }] = studies as [Chest]
    const [below, elsewhere] = imageKeys as [string, string]
    const was = cloud.describe(origin, below)!.etag
    cloud.put(origin, below, dicomBody(7))
    cloud.put(origin, "pacs/0.dcm", dicomBody(8))
    const told = await hospital.verify({ source: true, dryRun: true })
    expect(told).toMatchObject({ code: 1, queued: 2 })
    expect(told.problems.find(({ key }) => key === below)).toEqual({
      study_id: studyId,
      key: below,
      problem: "source_changed",
      expected: was,
      found: cloud.describe(origin, below)!.etag,
    })
    expect((await hospital.copy()).studies).toEqual([])
    expect(await hospital.verify({ source: true })).toMatchObject({ code: 1, queued: 2 })
    expect((await hospital.copy()).totals).toMatchObject({
      studies: 1,
      succeeded: 1,
      dicom_files_uploaded: 2,
    })
    expect(storedAt(hospital, below)).toEqual(dicomBody(7))
    expect(storedAt(hospital, elsewhere)).toEqual(dicomBody(8))
    expect((await hospital.verify({ source: true })).code).toBe(0)
  })

  test("tells a source that is gone, and leaves its copy as it is", async () => {
    const { hospital, studies } = await copied(1)
    using _ = hospital
    const [key] = studies[0]!.imageKeys as [string]
    hospital.cloud.delete(hospital.origin, key)
    expect(await hospital.verify({ source: true, repair: true })).toMatchObject({
      code: 1,
      queued: 0,
      problems: [{ key, problem: "source_gone", found: null }],
    })
    expect((await hospital.copy()).studies).toEqual([])
    expect(storedAt(hospital, key)).toEqual(dicomBody(1))
  })

  test("takes what was made from the database for unchanged until the origin has it", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit()
    hospital.cloud.delete(hospital.origin, study.metadataKey)
    await hospital.discoverAndCopy()
    expect((await hospital.verify({ source: true })).code).toBe(0)
    hospital.cloud.put(hospital.origin, study.metadataKey, "{}")
    expect(await hospital.verify({ source: true })).toMatchObject({
      queued: 1,
      problems: [{ key: study.metadataKey, problem: "source_changed", expected: null }],
    })
    await hospital.copy()
    expect(hospital.text(study.metadataKey)).toBe("{}")
  })

  test("needs no origin when it is not asked for", async () => {
    const { hospital } = await copied(1)
    using _ = hospital
    await hospital.verify()
    expect(hospital.cloud.log.entries.filter(({ operation }) => operation.startsWith("s3."))).toEqual([])
  })
})
