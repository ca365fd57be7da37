import { describe, expect, test } from "bun:test"
import { CODObject, check } from "../../../lib/cod/index.ts"
import { claimSeries, releaseSeries } from "../../../lib/ledger/cod/claims.ts"
import { copiesOf, recordDeleting } from "../../../lib/ledger/cod/copies.ts"
import { type DeletedCopies, deleteCopies } from "../../../lib/pipeline/ingest/delete-copies.ts"
import { previewIngest } from "../../../lib/pipeline/ingest/preview.ts"
import { placeOf } from "../../../lib/pipeline/ingest/series-place.ts"
import { SERIES, STUDY, uid } from "../../cod/writing/files.ts"
import { keysIn } from "../../contract/bodies.ts"
import { newRun } from "../../support/ledger.ts"
import { NEVER, type Packed, type PLACES, packed } from "./packed.ts"

const SECOND = "1.2.826.0.1.3680043.8.498.21"
const instance = (n: number) => ({ instance: uid(n) })

const copies = async (site: Packed) =>
  (await keysIn(site.destination)).filter((key) => key.includes("dicom_files/"))

const deleteAll = (site: Packed, options = {}): Promise<DeletedCopies> =>
  deleteCopies(site.deps, options, NEVER)

const place = ({ deps }: Packed) => placeOf(deps, { studyUid: STUDY, seriesUid: SERIES })

for (const kind of ["a folder", "a bucket"] as const satisfies readonly (keyof typeof PLACES)[])
  describe(`in ${kind}, deleting copies`, () => {
    test("takes those that are packed, and the ledger and the receipt say where the bytes are", async () => {
      await using site = await packed(kind)
      await site.copied("a", [instance(1), instance(2)])
      await site.pack()
      const before = await site.receipt("a")
      expect(before.objects[1]).toMatchObject({ instance_uid: uid(1), series: 0 })
      expect(await deleteAll(site)).toMatchObject({
        series: 1,
        deleted: 2,
        missing: 0,
        kept: [],
        failed: [],
        receipts: 1,
      })
      expect(await copies(site)).toEqual([])
      const { series, objects } = await site.receipt("a")
      expect(series).toEqual([
        {
          study_uid: STUDY,
          series_uid: SERIES,
          uri: `${site.datastore.uri}/studies/${STUDY}/series/${SERIES}`,
        },
      ])
      expect(objects.map((object) => object.copy)).toEqual([undefined, "deleted", "deleted"])
      expect(
        site.rows(
          "select copy_deleted_at is null as stands, copy_deleting_since as intent from objects where kind = 'dicom'",
        ),
      ).toEqual([
        { stands: 0, intent: null },
        { stands: 0, intent: null },
      ])
      expect(site.rows("select completed_at is null as open from studies")).toEqual([{ open: 0 }])
      expect(
        (await check(`${site.datastore.uri}/studies/${STUDY}/series/${SERIES}`, { store: site.datastore }))
          .isSound,
      ).toBe(true)
      expect(await deleteAll(site)).toMatchObject({ series: 0, deleted: 0, receipts: 0 })
    })

    test("keeps a copy that is not what the series has, and tells why", async () => {
      await using site = await packed(kind)
      await site.copied("a", [instance(1), instance(2)])
      await site.pack()
      const key = site.keyOf("a", 1)
      const { generation } = (await site.destination.head(key))!
      await site.destination.write(key, Buffer.from("exchanged"), {
        ifGeneration: generation,
        contentType: "application/dicom",
      })
      expect(await deleteAll(site)).toMatchObject({
        deleted: 1,
        kept: [{ key, why: expect.stringContaining("9 bytes") }],
      })
      expect(await copies(site)).toEqual([key])
      expect(
        site.rows(
          "select copy_deleting_since as intent from objects where copy_deleted_at is null and kind = 'dicom'",
        ),
      ).toEqual([{ intent: null }])
    })

    test("deletes nothing of a series that is not sound", async () => {
      await using site = await packed(kind)
      await site.copied("a", [instance(1)])
      await site.pack()
      const tar = `studies/${STUDY}/series/${SERIES}.tar`
      const { generation, size } = (await site.datastore.head(tar))!
      await site.datastore.write(tar, new Uint8Array(size), {
        ifGeneration: generation,
        contentType: "application/x-tar",
      })
      const { deleted, failed } = await deleteAll(site)
      expect({ deleted, failed: failed.length }).toEqual({ deleted: 0, failed: 1 })
      expect(await copies(site)).toHaveLength(1)
      expect(site.rows("select copy_deleting_since as intent from objects where kind = 'dicom'")).toEqual([
        { intent: null },
      ])
      expect((await keysIn(site.datastore)).filter((name) => name.endsWith(".lock"))).toEqual([])
    })
  })

test("Both copies of a file that two studies have go, in their turn", async () => {
  await using site = await packed("a folder")
  await site.copied("a", [instance(1)])
  await site.copied("b", [instance(1), { ...instance(2), series: SECOND }])
  await site.pack()
  expect(await deleteAll(site, { studyIds: ["b"] })).toMatchObject({ deleted: 2, series: 2, receipts: 1 })
  expect(await copies(site)).toEqual([site.keyOf("a", 1)])
  expect(await deleteAll(site)).toMatchObject({ deleted: 1, receipts: 1 })
  expect(await copies(site)).toEqual([])
})

test("A series with an image in conflict keeps all of its copies", async () => {
  await using site = await packed("a folder")
  await site.copied("a", [instance(1), instance(2)])
  await site.pack()
  await site.copied("b", [{ ...instance(1), comment: "amended" }])
  await site.pack()
  expect(site.rows("select result from cod_instances where study_id = 'b'")).toEqual([{ result: "conflict" }])
  expect(await deleteAll(site)).toMatchObject({ series: 0, deleted: 0 })
  expect(await copies(site)).toHaveLength(3)
})

test("Files that wait for their series, and what others put there, are left alone", async () => {
  await using site = await packed("a folder")
  await site.copied("a", [instance(1)])
  await site.pack()
  const other = await site.destination.write("org/foreign.dcm", Buffer.from("x"), {
    ifGeneration: "absent",
    contentType: "x/y",
  })
  await site.copied("b", [instance(2)])
  expect(await deleteAll(site)).toMatchObject({ deleted: 0 })
  await site.pack()
  expect(await deleteAll(site)).toMatchObject({ deleted: 2 })
  expect((await site.destination.head("org/foreign.dcm"))?.generation).toBe(other.generation)
})

test("What a run began to delete and did not hear of is settled by asking the store", async () => {
  await using site = await packed("a folder")
  await site.copied("a", [instance(1), instance(2)])
  await site.pack()
  const { ledger } = site
  const claim = claimSeries(ledger, newRun(ledger), 1)!
  ledger.write(() => recordDeleting(ledger, claim, copiesOf(ledger, 1)))
  releaseSeries(ledger, claim)
  // It died behind the first one.
  const key = site.keyOf("a", 1)
  await site.destination.delete(key, { ifGeneration: (await site.destination.head(key))!.generation })
  expect(await deleteAll(site)).toMatchObject({ deleted: 1, missing: 0, receipts: 1 })
  expect((await site.receipt("a")).objects.map(({ copy }) => copy)).toEqual([undefined, "deleted", "deleted"])
})

test("Another run's series is left to it", async () => {
  await using site = await packed("a folder")
  await site.copied("a", [instance(1)])
  await site.pack()
  const claim = claimSeries(site.ledger, newRun(site.ledger), 1)!
  expect(await deleteAll(site)).toMatchObject({ deleted: 0, held_by_others: 1 })
  releaseSeries(site.ledger, claim)
  await using locked = await CODObject.open({ ...place(site), store: site.datastore, lock: true })
  expect(await deleteAll(site)).toMatchObject({
    deleted: 0,
    failed: [{ error: expect.stringContaining("Lock") }],
  })
  await locked.release()
})

test("A dry run counts by the ledger, and changes nothing", async () => {
  await using site = await packed("a folder", { uidHashKey: "a long random text" })
  await site.copied("a", [instance(1), instance(2)])
  await site.pack()
  expect(previewIngest(site.ledger, { deleteCopies: true, draw: undefined }).copies).toMatchObject({
    series: 1,
    files: 2,
  })
  expect(await copies(site)).toHaveLength(2)
  // Under hashed UIDs as under real ones.
  expect(await deleteAll(site)).toMatchObject({ series: 1, deleted: 2 })
  expect(await copies(site)).toEqual([])
})
