import { describe, expect, test } from "bun:test"
import { claimStudy, releaseClaim } from "../../../lib/ledger/claims.ts"
import { openLedger } from "../../../lib/ledger/open.ts"
import { startRun } from "../../../lib/ledger/runs.ts"
import { UsageError } from "../../../lib/support/errors.ts"
import { thisProcess } from "../../../lib/support/owner.ts"
import { failureOf } from "../../contract/bodies.ts"
import { type Chest, type ChestOptions, dicomBody, originObjects } from "../../support/chest.ts"
import { failures, folderDestination, type Hospital, openHospital, QUICK } from "../../support/hospital.ts"
import { ledgerOf } from "../../support/scripts.ts"

/** A hospital whose studies another tool has copied already, discovered. */
async function filled(count: number, options: ChestOptions = {}) {
  const hospital = await openHospital()
  const studies: Chest[] = []
  for (let n = 0; n < count; n++) studies.push(await hospital.admit(options))
  for (const study of studies) fill(hospital, study)
  await hospital.discover()
  hospital.cloud.log.clear()
  return { hospital, studies }
}

function fill({ cloud, destination }: Hospital, study: Chest) {
  for (const [key, bytes] of originObjects(study)) cloud.put(destination, key, bytes)
}

/** Requests by operation, without the one that looks whether a bucket can be listed at all. */
function requests({ cloud, origin, destination }: Hospital) {
  const count = (operation: Parameters<typeof cloud.log.count>[0]["operation"], bucket: string) =>
    cloud.log.count({ operation, bucket })
  return {
    listed: count("gcs.list", destination) - 1,
    originListed: count("s3.list", origin) - 1,
    originHeads: count("s3.head", origin),
    read: count("s3.get", origin) + count("gcs.media", destination),
  }
}

const attempts = (hospital: Hospital) =>
  hospital.rows<{ outcome: string; bytes: number; tries: number }>(
    `select outcome, bytes, count(*) as tries from copy_attempts
     where started_at <= ended_at group by outcome, bytes order by outcome`,
  )

describe("adopt", () => {
  test("records what is the same as done, by one listing of each side a study and not a byte read", async () => {
    const { hospital, studies } = await filled(3, { images: [{}, { instance_number: 2 }] })
    using _ = hospital
    const report = await hospital.adopt({ usdPerGb: 0.09 })
    expect(requests(hospital)).toEqual({ listed: 3, originListed: 3, originHeads: 0, read: 0 })
    const [{ bytes }] = hospital.rows<{ bytes: number }>("select sum(size) as bytes from objects") as [
      { bytes: number },
    ]
    expect(report).toMatchObject({
      code: 0,
      studies: 3,
      adopted: { objects: 12, bytes },
      saved_usd: (bytes / 1e9) * 0.09,
      left: [],
      busy: 0,
      finished: true,
    })
    expect(attempts(hospital)).toEqual([{ outcome: "adopted", bytes: 0, tries: 12 }])
    expect(hospital.rows("select script, outcome from runs where script = 'adopt'")).toEqual([
      { script: "adopt", outcome: "done" },
    ])
    const { totals } = await hospital.copy()
    expect(totals).toMatchObject({ studies: 3, succeeded: 3, bytes: 0, skipped: 12 })
    expect(requests(hospital).read).toBe(0)
    expect(hospital.cloud.keys(hospital.destination, "_receipts/")).toHaveLength(3)
    expect(await hospital.verify({ read: true })).toMatchObject({ code: 0, objects: 12 })
    expect(studies).toHaveLength(3)
  })

  test("dry run: tells the same and changes nothing", async () => {
    const { hospital } = await filled(2)
    using _ = hospital
    const before = ledgerOf(hospital)
    const told = await hospital.adopt({ dryRun: true })
    expect(ledgerOf(hospital)).toBe(before)
    expect({ ...(await hospital.adopt()), code: 0 }).toEqual(told)
  })

  test("tells what it leaves, and why; copy settles each of them", async () => {
    const { hospital, studies } = await filled(1, {
      images: [2, 3, 4, 5].map((instance_number) => ({ instance_number })),
    })
    using _ = hospital
    const { cloud, origin, destination } = hospital
    const [{ imageKeys, reportKeys }] = studies as [Chest]
    const [gone, short, other, encrypted] = imageKeys as [string, string, string, string]
    cloud.delete(destination, gone)
    cloud.put(destination, short, "short")
    cloud.put(destination, other, dicomBody(9))
    cloud.put(origin, encrypted, dicomBody(4), { kms: true })
    cloud.delete(origin, reportKeys[0]!)
    const { adopted, not_adopted, left, code } = await hospital.adopt()
    expect({ code, adopted: adopted.objects }).toEqual({ code: 0, adopted: 1 })
    expect(not_adopted).toEqual({
      not_there: 1,
      not_at_origin: 1,
      size_differs: 1,
      checksum_differs: 1,
      no_common_checksum: 1,
    })
    expect(Object.fromEntries(left.map(({ key, reason }) => [key, reason]))).toEqual({
      [reportKeys[0]!]: "not_at_origin",
      [short]: "size_differs",
      [other]: "checksum_differs",
      [encrypted]: "no_common_checksum",
    })
    // The listing proves nothing of two of them: only these are asked for.
    expect(requests(hospital)).toMatchObject({ originHeads: 2, read: 0 })
    await hospital.copy()
    expect(
      failures(hospital)
        .map(({ path }) => path)
        .sort(),
    ).toEqual([reportKeys[0]!, short, other].sort())
  })

  test("takes the CRC32C that S3 stores of an object uploaded in parts", async () => {
    const { hospital, studies } = await filled(1)
    using _ = hospital
    const [key] = studies[0]!.imageKeys as [string]
    hospital.cloud.put(hospital.origin, key, dicomBody(1), {
      multipartPartSize: 100,
      checksum: "full-object",
    })
    expect((await hospital.adopt()).adopted.objects).toBe(3)
    expect(requests(hospital)).toMatchObject({ originHeads: 1, read: 0 })
    hospital.cloud.put(hospital.origin, key, dicomBody(1), { multipartPartSize: 100 })
    const again = await hospital.adopt()
    expect(again.studies).toBe(1)
  })

  test("asks for files that the PACS keeps elsewhere one by one, and lists nothing around them", async () => {
    const { hospital } = await filled(1, { images: [{ file_path: "pacs/one.dcm" }] })
    using _ = hospital
    const study = hospital.rows<{ path: string; study_id: string; organization_id: string }>(
      "select path, study_id, organization_id from objects join studies using (study_id) where kind = 'dicom'",
    )[0]!
    const key = `${study.organization_id}/${study.study_id}/${study.path}`
    hospital.cloud.put(hospital.destination, key, dicomBody(1))
    expect((await hospital.adopt()).adopted.objects).toBe(3)
    expect(requests(hospital)).toMatchObject({ originListed: 1, originHeads: 1, read: 0 })
  })

  test("of a study without image rows adopts the files that the origin lists", async () => {
    const { hospital, studies } = await filled(1, { images: [] })
    using _ = hospital
    const [{ organizationId, studyId }] = studies as [Chest]
    const key = `${organizationId}/${studyId}/dicom_files/s/0001_i.dcm`
    for (const bucket of [hospital.origin, hospital.destination])
      hospital.cloud.put(bucket, key, dicomBody(1))
    expect((await hospital.adopt()).adopted.objects).toBe(3)
    expect(requests(hospital)).toEqual({ listed: 1, originListed: 1, originHeads: 0, read: 0 })
    expect((await hospital.copy()).totals).toMatchObject({ succeeded: 1, skipped: 3, bytes: 0 })
    expect(requests(hospital).read).toBe(0)
  })

  test("asks the origin nothing where the destination is empty, and begins nothing", async () => {
    using hospital = await openHospital()
    await hospital.admit()
    await hospital.discover()
    hospital.cloud.log.clear()
    expect(await hospital.adopt()).toMatchObject({ adopted: { objects: 0 }, not_adopted: { not_there: 3 } })
    expect(requests(hospital)).toEqual({ listed: 1, originListed: 0, originHeads: 0, read: 0 })
    expect(hospital.rows("select begun_at from studies")).toEqual([{ begun_at: null }])
  })

  test("a second time has nothing to ask, and named studies are those alone", async () => {
    const { hospital, studies } = await filled(3)
    using _ = hospital
    const { studyId } = studies[1]!
    expect((await hospital.adopt({ studyIds: [studyId] })).adopted.objects).toBe(3)
    expect(hospital.rows("select distinct study_id from copy_attempts")).toEqual([{ study_id: studyId }])
    expect((await hospital.adopt()).adopted.objects).toBe(6)
    hospital.cloud.log.clear()
    expect(await hospital.adopt()).toMatchObject({ code: 0, adopted: { objects: 0 } })
    expect(requests(hospital)).toMatchObject({ listed: 0, originListed: 0 })
    expect(await failureOf(hospital.adopt({ studyIds: [crypto.randomUUID()] }))).toBeInstanceOf(UsageError)
  })

  test("leaves out what another run is working on", async () => {
    const { hospital, studies } = await filled(2)
    using _ = hospital
    using ledger = openLedger(hospital.ledgerPath)
    const runId = startRun(ledger, { script: "copy", arguments: [], version: "0", owner: thisProcess() })
    const claim = claimStudy(ledger, runId, studies[0]!.studyId)!
    expect(await hospital.adopt()).toMatchObject({ code: 0, adopted: { objects: 3 }, busy: 1 })
    releaseClaim(ledger, claim, { seconds: 0 })
    expect(await hospital.adopt()).toMatchObject({ adopted: { objects: 3 }, busy: 0 })
  })

  test("adopts nothing of an object whose source changed while it was compared", async () => {
    const { hospital, studies } = await filled(1)
    using _ = hospital
    const stalled = hospital.cloud.fail({
      operation: "s3.list",
      bucket: hospital.origin,
      nth: 2,
      fault: { kind: "stall" },
    })
    const adopting = hospital.adopt()
    await stalled.reached()
    await hospital.pacs.sql`update pacs_images set created_at = created_at + interval '1 second'`
    await hospital.discover()
    stalled.release()
    expect((await adopting).adopted.objects).toBe(2)
    expect(hospital.rows("select kind from objects where state = 'pending'")).toEqual([{ kind: "dicom" }])
    expect(studies).toHaveLength(1)
  })

  test("stopped takes no new study, says so, and goes on when it is started again", async () => {
    const { hospital } = await filled(6)
    using _ = hospital
    const requested = new AbortController()
    const stop = { requested: requested.signal, forced: new AbortController().signal }
    const adopting = hospital.adopt({ concurrency: 1 }, stop)
    await hospital.cloud.log.reached({ operation: "s3.list", bucket: hospital.origin }, 3)
    requested.abort(new Error("stopped"))
    const first = await adopting
    expect(first.finished).toBe(false)
    expect(first.adopted.objects).toBeGreaterThan(0)
    expect(first.adopted.objects).toBeLessThan(18)
    expect(hospital.rows("select outcome from runs where script = 'adopt'")).toEqual([{ outcome: "stopped" }])
    expect(hospital.rows("select * from copy_attempts where ended_at is null")).toEqual([])
    expect((await hospital.adopt()).adopted.objects).toBe(18 - first.adopted.objects)
  })

  test("goes on with the others where one study cannot be compared, and tells it: exit code 1", async () => {
    const { hospital } = await filled(3)
    using _ = hospital
    const fault = { kind: "status", status: 503 } as const
    hospital.cloud.fail({ operation: "s3.list", nth: 2, times: 1 + QUICK.retries, fault })
    const report = await hospital.adopt({ concurrency: 1 })
    expect(report).toMatchObject({ code: 1, studies: 2, adopted: { objects: 6 } })
    expect(report.failed).toMatchObject([{ error: expect.stringContaining("Unavailable") }])
    expect((await hospital.adopt()).adopted.objects).toBe(3)
  })

  test("of a folder as the destination needs a CRC32C of the source; copy adopts the rest", async () => {
    using hospital = await openHospital()
    const folder = folderDestination(hospital.dir)
    hospital.env.DESTINATION_URI = folder.uri
    const study = await hospital.admit()
    for (const [path, bytes] of originObjects(study)) await Bun.write(`${folder.path}/${path}`, bytes)
    const [key] = study.imageKeys as [string]
    hospital.cloud.put(hospital.origin, key, dicomBody(1), { checksum: "full-object" })
    await hospital.discover()
    expect(await hospital.adopt()).toMatchObject({
      adopted: { objects: 1 },
      not_adopted: { no_common_checksum: 2 },
    })
    expect((await hospital.copy()).totals).toMatchObject({ succeeded: 1, skipped: 3, bytes: 0 })
  })
})
