/** From copies to series: what is packed, when, and what it costs. */
import { describe, expect, test } from "bun:test"
import { readdirSync } from "node:fs"
import { CODObject, uidHashFunc } from "../../../lib/cod/index.ts"
import { openStore } from "../../../lib/storage/open.ts"
import { dicom, nth, SERIES, STUDY, uid } from "../../cod/writing/files.ts"
import { type Chest, dicomBody } from "../../support/chest.ts"
import { failures, type Hospital, openHospital, storedAt } from "../../support/hospital.ts"

const OTHER_SERIES = `${SERIES}.9`
const LARGE = 2 << 20

/** The key of the series' tar. */
const TAR = `cod/dicomweb/studies/${STUDY}/series/${SERIES}.tar`

/** A study of so many images, each of its own file. */
async function admitted(hospital: Hospital, files: readonly Uint8Array[]): Promise<Chest> {
  const study = await hospital.admit({ images: files.map(() => ({})) })
  for (const [n, key] of study.imageKeys.entries()) hospital.cloud.put(hospital.origin, key, files[n]!)
  return study
}

/** Other bytes of an image that was copied, in the database and at the origin. */
async function amend(hospital: Hospital, study: Chest, n: number, bytes: Uint8Array) {
  hospital.cloud.put(hospital.origin, study.imageKeys[n]!, bytes)
  const { id } = study.rows.pacs_images[n]!
  await hospital.pacs.sql`update pacs_images set file_size = ${bytes.length} where id = ${id}`
}

const datastoreOf = ({ destination }: Hospital) => `gs://${destination}/cod/dicomweb`

async function openSeries(hospital: Hospital, seriesUid = SERIES, studyUid = STUDY) {
  const datastore = datastoreOf(hospital)
  const store = openStore(datastore, { gcs: { emulatorUrl: hospital.cloud.url } })
  return await CODObject.open({ datastore, store, studyUid, seriesUid, lock: false })
}

/** Bytes of an instance as the series gives them out. */
async function packed(hospital: Hospital, instanceUid: string, seriesUid = SERIES): Promise<Buffer> {
  await using cod = await openSeries(hospital, seriesUid)
  await using view = await cod.openInstance(instanceUid)
  return Buffer.from(await view.bytes())
}

/** Bodies of raw copies and of tars that were read at the destination. */
const bodiesRead = ({ cloud, destination }: Hospital) =>
  cloud.log
    .find({ operation: "gcs.media", bucket: destination })
    .map(({ key }) => key!)
    .filter((key) => /\.(?:dcm|tar)$/.test(key))

const locksAt = ({ cloud, destination }: Hospital) =>
  cloud.keys(destination).filter((key) => key.endsWith(".lock"))

const openLocks = (hospital: Hospital) =>
  hospital.rows("select * from cod_locks where ended_at is null or ended <> 'released'")

const instances = (hospital: Hospital) =>
  hospital.rows<{ result: string }>("select result from cod_instances order by study_id, position")

describe("a run", () => {
  test("packs the series of each study that it copied, and reads no body at the destination", async () => {
    using hospital = await openHospital()
    const other = dicom({ series: OTHER_SERIES })
    const study = await admitted(hospital, [nth(1), nth(2, LARGE), other])
    const report = await hospital.run()
    expect(report.code).toBe(0)
    expect(report.copy.studies).toEqual([
      expect.objectContaining({
        study_id: study.studyId,
        success: true,
        series_packed: 2,
        instances_new: 3,
        instances_same: 0,
        instances_conflict: 0,
      }),
    ])
    expect(report.ingest?.totals).toMatchObject({ studies: 0, series_lost: 0 })
    expect(bodiesRead(hospital)).toEqual([])
    expect(readdirSync(hospital.env.SPOOL_DIR!)).toEqual([])
    expect(locksAt(hospital)).toEqual([])
    expect(openLocks(hospital)).toEqual([])
    expect(await packed(hospital, uid(1))).toEqual(nth(1))
    expect(await packed(hospital, uid(2))).toEqual(nth(2, LARGE))
    expect(await packed(hospital, uid(1), OTHER_SERIES)).toEqual(other)
  })

  test("says in the series where each instance is from", async () => {
    using hospital = await openHospital()
    const study = await admitted(hospital, [nth(1)])
    await hospital.run()
    await using cod = await openSeries(hospital)
    const raw = `gs://${hospital.destination}/${study.imageKeys[0]}`
    expect((await cod.getInstance(uid(1))).record).toMatchObject({ originalPath: raw, dependencies: [raw] })
  })

  test("does not open a series that it packed when it is run again", async () => {
    using hospital = await openHospital()
    await admitted(hospital, [nth(1), nth(2)])
    await hospital.run()
    await hospital.run()
    hospital.cloud.log.clear()
    const again = await hospital.run()
    expect(again.ingest?.totals).toMatchObject({ studies: 0, series_lost: 0 })
    const asked = hospital.cloud.log.find({ bucket: hospital.destination })
    expect(asked.filter(({ key }) => key?.includes("/series/"))).toEqual([])
  })

  test("appends what was added to a study", async () => {
    using hospital = await openHospital()
    const study = await admitted(hospital, [nth(1)])
    await hospital.run()
    const added = { ...study.rows.pacs_images[0]!, id: crypto.randomUUID(), instance_number: 2 }
    const key = study.imageKeys[0]!.replace(/[^/]+$/, `0002_${added.id}.dcm`)
    await hospital.pacs.insert({ pacs_images: [{ ...added, file_path: null }] })
    hospital.cloud.put(hospital.origin, key, nth(2))
    const report = await hospital.run()
    expect(report.copy.totals).toMatchObject({ series_packed: 1, instances_new: 1, failed: 0 })
    for (const n of [1, 2]) expect(await packed(hospital, uid(n))).toEqual(nth(n))
  })

  test("keeps an instance whose bytes were replaced, and tells of the conflict until somebody decides", async () => {
    using hospital = await openHospital()
    const study = await admitted(hospital, [nth(1)])
    await hospital.run()
    await amend(hospital, study, 0, dicom({ comment: "amended" }))
    const report = await hospital.run()
    expect(report.code).toBe(1)
    expect(report.copy.studies).toEqual([
      expect.objectContaining({ success: false, dicom_files_uploaded: 1, instances_conflict: 1 }),
    ])
    expect(await packed(hospital, uid(1))).toEqual(nth(1))
    expect(storedAt(hospital, study.imageKeys[0]!)).toEqual(dicom({ comment: "amended" }))
    expect(failures(hospital)).toEqual([
      expect.objectContaining({ error_class: "InstanceConflict", verdict: "give-up" }),
    ])
    await using cod = await openSeries(hospital)
    const raw = `gs://${hospital.destination}/${study.imageKeys[0]}`
    expect((await cod.getInstance(uid(1))).record).toMatchObject({ diffHashDupePaths: [raw] })
    expect(await hospital.run()).toMatchObject({ code: 0 })
    expect(instances(hospital)).toEqual([{ result: "conflict" }])
  })

  test("packs what it can of a study with a file that is no instance", async () => {
    using hospital = await openHospital()
    const study = await admitted(hospital, [nth(1), new Uint8Array(500)])
    const report = await hospital.run()
    expect(report.copy.studies).toEqual([
      expect.objectContaining({ success: false, series_packed: 1, instances_new: 1 }),
    ])
    expect(await packed(hospital, uid(1))).toEqual(nth(1))
    expect(failures(hospital)).toEqual([
      expect.objectContaining({ path: study.imageKeys[1], error_class: "InvalidDicom", verdict: "give-up" }),
    ])
    expect(locksAt(hospital)).toEqual([])
  })

  test("packs a series of two studies one after the other", async () => {
    using hospital = await openHospital()
    for (const n of [1, 2, 3]) await admitted(hospital, [nth(n)])
    const report = await hospital.run()
    expect(report.copy.totals).toMatchObject({ failed: 0, instances_new: 3, series_packed: 3 })
    for (const n of [1, 2, 3]) expect(await packed(hospital, uid(n))).toEqual(nth(n))
    expect(hospital.rows("select state from cod_series")).toEqual([{ state: "packed" }])
  })

  test("goes on when the spool has no room for what waits to be packed", async () => {
    using hospital = await openHospital()
    hospital.env.SPOOL_BYTES = String(LARGE + 500_000)
    await admitted(
      hospital,
      [1, 2, 3].map((n) => nth(n, LARGE)),
    )
    await admitted(hospital, [nth(4), nth(5, LARGE)])
    const report = await hospital.run()
    expect(report.copy.totals).toMatchObject({ failed: 0, instances_new: 5 })
    for (const n of [1, 2, 3]) expect(await packed(hospital, uid(n))).toEqual(nth(n, LARGE))
    expect(readdirSync(hospital.env.SPOOL_DIR!)).toEqual([])
  })

  test("packs under hashed UIDs with a key, and refuses another one on the same ledger", async () => {
    using hospital = await openHospital()
    hospital.env.UID_HASH_KEY = "a long random text that is the key of this test"
    await admitted(hospital, [nth(1)])
    expect(await hospital.run()).toMatchObject({ code: 0 })
    const hash = uidHashFunc(hospital.env.UID_HASH_KEY)
    await using cod = await openSeries(hospital, hash(SERIES), hash(STUDY))
    await using view = await cod.openInstance(hash(uid(1)))
    expect(nth(1).equals(await view.bytes())).toBe(true)
    expect(JSON.stringify(hospital.rows("select * from cod_datastore"))).not.toContain(
      hospital.env.UID_HASH_KEY,
    )
    expect(JSON.stringify(hospital.rows("select * from cod_locks"))).not.toContain(SERIES)
    hospital.env.UID_HASH_KEY = "another long random text, which is not the key"
    expect(hospital.run()).rejects.toThrow("UID_HASH_KEY")
    delete hospital.env.UID_HASH_KEY
    expect(hospital.run()).rejects.toThrow("UID_HASH_KEY")
  })

  test("notices that somebody has overwritten what it packed, and packs it again", async () => {
    using hospital = await openHospital()
    await admitted(hospital, [nth(1), nth(2)])
    await hospital.run()
    for (const key of [TAR, TAR.replace(".tar", "/metadata.json")]) {
      hospital.cloud.delete(hospital.destination, key)
    }
    const report = await hospital.run()
    expect(report.ingest?.totals).toMatchObject({ series_lost: 1, studies: 1, instances_new: 2, failed: 0 })
    for (const n of [1, 2]) expect(await packed(hospital, uid(n))).toEqual(nth(n))
  })
})

/** What a series that is packed for the first time is created by, in this order. */
const INSERT = { cod_lock: 1, gradient_lock: 2, tar: 3, index: 4, metadata: 5 }

describe("a failure", () => {
  test("of which the store tells that it holds something else than was sent leaves the lock for a person", async () => {
    using hospital = await openHospital()
    await admitted(hospital, [nth(1)])
    await hospital.discoverAndCopy()
    hospital.cloud.fail({ operation: "gcs.insert", nth: INSERT.tar, fault: { kind: "wrong-checksum" } })
    expect((await hospital.ingest()).totals).toMatchObject({ failed: 1, series_packed: 0 })
    expect(locksAt(hospital)).toHaveLength(2)
    expect(hospital.rows("select series_uri, why from hanging_locks")).toEqual([
      expect.objectContaining({ why: expect.stringContaining("StoredDiffersError") }),
    ])
    expect(failures(hospital)).toEqual([
      expect.objectContaining({ verdict: "give-up", error_class: "StoredDiffersError" }),
    ])
    // Neither the next one nor an order to try again goes over a lock that hangs.
    expect((await hospital.ingest({ retryFailed: true })).totals).toMatchObject({ series_packed: 0 })
    expect(locksAt(hospital)).toHaveLength(2)
  })

  test.each(["tar", "index", "metadata"] as const)(
    "to store the %s is mended by the next run",
    async (name) => {
      using hospital = await openHospital()
      await admitted(hospital, [nth(1), nth(2)])
      await hospital.discoverAndCopy()
      const outage = { kind: "status", status: 503 } as const
      hospital.cloud.fail({ operation: "gcs.insert", nth: INSERT[name], times: 6, fault: outage })
      expect((await hospital.ingest()).totals).toMatchObject({ failed: 1 })
      expect(failures(hospital)).toEqual([
        expect.objectContaining({ verdict: "retry", error_class: "Unavailable" }),
      ])
      expect(hospital.rows("select * from hanging_locks")).toEqual([])
      expect((await hospital.ingest()).totals).toMatchObject({
        failed: 0,
        series_packed: 1,
        instances_new: 2,
      })
      expect(locksAt(hospital)).toEqual([])
      expect(openLocks(hospital)).toEqual([])
      for (const n of [1, 2]) expect(await packed(hospital, uid(n))).toEqual(nth(n))
    },
  )

  test("of a tar that does not fit its metadata leaves the lock for a person, and nothing written", async () => {
    using hospital = await openHospital()
    await admitted(hospital, [nth(1)])
    await hospital.run()
    const theirs = hospital.cloud.put(hospital.destination, TAR, "no tar at all")
    await admitted(hospital, [nth(2)])
    expect((await hospital.run()).copy.totals).toMatchObject({ failed: 1, instances_new: 0 })
    expect(hospital.rows("select why from hanging_locks")).toHaveLength(1)
    expect(hospital.cloud.describe(hospital.destination, TAR)).toMatchObject({
      generation: theirs.generation,
    })
  })
})

describe("an ingest by itself", () => {
  test("packs what was copied before, from the copies, with one read of each header and one of each body", async () => {
    using hospital = await openHospital()
    await admitted(hospital, [nth(1), nth(2, LARGE)])
    await hospital.discoverAndCopy()
    hospital.cloud.log.clear()
    const report = await hospital.ingest()
    expect(report.totals).toMatchObject({ studies: 1, succeeded: 1, series_packed: 1, instances_new: 2 })
    expect(bodiesRead(hospital)).toHaveLength(2)
    expect(await packed(hospital, uid(2))).toEqual(nth(2, LARGE))
  })

  test("reads the headers of what another tool copied", async () => {
    using hospital = await openHospital()
    const study = await admitted(hospital, [nth(1)])
    hospital.cloud.put(hospital.destination, study.imageKeys[0]!, nth(1))
    await hospital.discover()
    await hospital.adopt()
    expect(hospital.rows("select * from cod_series")).toEqual([])
    const report = await hospital.ingest()
    expect(report.totals).toMatchObject({ studies: 1, succeeded: 1, instances_new: 1 })
    expect(await packed(hospital, uid(1))).toEqual(nth(1))
  })

  test("leaves a series alone that somebody else has locked, packs the others, and this one the next time", async () => {
    using hospital = await openHospital()
    await admitted(hospital, [nth(1), dicom({ series: OTHER_SERIES })])
    await hospital.discoverAndCopy()
    const lock = `cod/dicomweb/studies/${STUDY}/series/${SERIES}/.gradient.lock`
    hospital.cloud.put(hospital.destination, lock, "theirs")
    const report = await hospital.ingest()
    expect(report.totals).toMatchObject({ failed: 1, series_packed: 1 })
    expect(failures(hospital)).toEqual([
      expect.objectContaining({ error_class: "LockAcquisitionError", verdict: "retry" }),
    ])
    expect(locksAt(hospital)).toEqual([lock])
    hospital.cloud.delete(hospital.destination, lock)
    expect((await hospital.ingest()).totals).toMatchObject({ failed: 0, series_packed: 1 })
    expect(failures(hospital)).toEqual([])
    expect(hospital.rows("select state from cod_series")).toEqual([{ state: "packed" }, { state: "packed" }])
  })

  test("tries again what was given up when it is asked to", async () => {
    using hospital = await openHospital()
    const study = await admitted(hospital, [nth(1)])
    await hospital.run()
    await amend(hospital, study, 0, dicom({ comment: "amended" }))
    await hospital.run()
    expect((await hospital.ingest()).totals).toMatchObject({ studies: 0 })
    expect((await hospital.ingest({ retryFailed: true })).totals).toMatchObject({ instances_conflict: 1 })
  })

  test("says that it does not know a study that is not in the ledger", async () => {
    using hospital = await openHospital()
    await admitted(hospital, [dicomBody()])
    await hospital.discoverAndCopy()
    const report = await hospital.ingest({ studyIds: ["00000000-0000-4000-8000-000000000000"] })
    expect(report.studies).toEqual([expect.objectContaining({ success: false, organization_id: null })])
  })
})
