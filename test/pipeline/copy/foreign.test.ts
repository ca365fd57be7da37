import { describe, expect, test } from "bun:test"
import { type Chest, dicomBody, originObjects } from "../../support/chest.ts"
import { failures, type Hospital, openHospital } from "../../support/hospital.ts"

/** Newest first is the order in which a copy takes them. */
async function admitStudies(hospital: Hospital, count: number): Promise<Chest[]> {
  const studies: Chest[] = []
  for (let n = 0; n < count; n++) {
    const signed_at = new Date(Date.UTC(2026, 0, 28 - n)).toISOString()
    studies.push(await hospital.admit({ reports: [{ signed_at }] }))
  }
  return studies
}

/** As another tool would have copied it. */
function fill({ cloud, destination }: Hospital, study: Chest) {
  for (const [key, bytes] of originObjects(study)) cloud.put(destination, key, bytes)
}

const lists = ({ cloud, destination }: Hospital) =>
  cloud.log.count({ operation: "gcs.list", bucket: destination })
/** Every copy looks once whether it can list the destination, before any work. */
const PROBE = 1

describe("a copy and a destination that another tool filled", () => {
  test("downloads the first study; of the others it lists the folder and reads nothing", async () => {
    using hospital = await openHospital()
    const studies = await admitStudies(hospital, 5)
    for (const study of studies) fill(hospital, study)
    await hospital.discover()
    hospital.cloud.log.clear()
    // One object after the other, so that it is known what was met before.
    hospital.env.OBJECTS_IN_FLIGHT = "1"
    const { totals } = await hospital.copy({ concurrency: 1 })
    expect(totals).toMatchObject({ succeeded: 5, failed: 0, skipped: 15, bytes: 0 })
    const read = hospital.cloud.log.find({ operation: "s3.get", bucket: hospital.origin })
    const downloaded = new Set(
      read.map(({ key }) => studies.findIndex((study) => key!.includes(study.studyId))),
    )
    expect([...downloaded].filter((n) => n > 2)).toEqual([])
    expect(read.length).toBeLessThan(9)
    expect(lists(hospital) - PROBE).toBeLessThanOrEqual(5)
    expect(hospital.rows("select distinct outcome, bytes from copy_attempts")).toEqual([
      { outcome: "adopted", bytes: 0 },
    ])
  })

  test("asks nothing more of a destination that is empty", async () => {
    using hospital = await openHospital()
    await admitStudies(hospital, 3)
    await hospital.discoverAndCopy()
    expect(lists(hospital)).toBe(PROBE)
    expect(hospital.cloud.log.count({ operation: "gcs.get", bucket: hospital.destination })).toBe(0)
  })

  test("stops listing when it finds nothing any more", async () => {
    using hospital = await openHospital()
    const studies = await admitStudies(hospital, 24)
    fill(hospital, studies[0]!)
    await hospital.discover()
    hospital.cloud.log.clear()
    hospital.env.OBJECTS_IN_FLIGHT = "1"
    expect((await hospital.copy({ concurrency: 1 })).totals).toMatchObject({ succeeded: 24, skipped: 3 })
    expect(lists(hospital) - PROBE).toBeLessThan(20)
  })

  test("still tells a conflict where other bytes stand, and copies what is not there", async () => {
    using hospital = await openHospital()
    const { cloud, destination } = hospital
    const studies = await admitStudies(hospital, 6)
    for (const study of studies) fill(hospital, study)
    const last = studies.at(-1)!
    const foreign = cloud.put(destination, last.imageKeys[0]!, dicomBody(9))
    cloud.delete(destination, last.reportKeys[0]!)
    await hospital.discover()
    hospital.env.OBJECTS_IN_FLIGHT = "1"
    cloud.log.clear()
    const { totals } = await hospital.copy({ concurrency: 1 })
    expect(totals).toMatchObject({ succeeded: 5, failed: 1, reports_uploaded: 1 })
    // To know that they differ takes no download.
    expect(cloud.log.count({ operation: "s3.get", key: last.imageKeys[0]! })).toBe(0)
    expect(failures(hospital)).toEqual([
      { path: last.imageKeys[0]!, verdict: "give-up", error_class: "DestinationConflict" },
    ])
    expect(cloud.describe(destination, last.imageKeys[0]!)!.generation).toBe(foreign.generation)
  })

  test("does without listings where they are not permitted", async () => {
    using hospital = await openHospital()
    const studies = await admitStudies(hospital, 4)
    for (const study of studies) fill(hospital, study)
    await hospital.discover()
    const { cloud, env, origin, destination } = hospital
    cloud.roles.allow("anonymous", { [destination]: ["storage.objects.create", "storage.objects.get"] })
    cloud.roles.allow(
      { accessKeyId: env.AWS_ACCESS_KEY_ID!, secretAccessKey: env.AWS_SECRET_ACCESS_KEY! },
      { [origin]: ["s3:GetObject", "s3:ListBucket"] },
    )
    hospital.env.OBJECTS_IN_FLIGHT = "1"
    hospital.cloud.log.clear()
    expect((await hospital.copy({ concurrency: 1 })).totals).toMatchObject({ succeeded: 4, skipped: 12 })
    expect(lists(hospital) - PROBE).toBe(1)
  })
  test("does without listings that fail, too: they would only have spared bytes", async () => {
    using hospital = await openHospital()
    const studies = await admitStudies(hospital, 4)
    for (const study of studies) fill(hospital, study)
    await hospital.discover()
    hospital.cloud.fail({
      operation: "gcs.list",
      nth: 1 + PROBE,
      times: 1000,
      fault: { kind: "status", status: 503 },
    })
    hospital.env.OBJECTS_IN_FLIGHT = "1"
    expect((await hospital.copy({ concurrency: 1 })).totals).toMatchObject({ succeeded: 4, skipped: 12 })
  })
})
