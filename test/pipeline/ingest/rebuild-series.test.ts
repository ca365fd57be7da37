import { describe, expect, test } from "bun:test"
import { type Ledger, openLedger } from "../../../lib/ledger/open.ts"
import { deleteCopies } from "../../../lib/pipeline/ingest/delete-copies.ts"
import { type RebuildReport, rebuildLedger } from "../../../lib/pipeline/verify/rebuild.ts"
import { UsageError } from "../../../lib/support/errors.ts"
import { silentProgress } from "../../../lib/support/progress.ts"
import { SERIES, STUDY, uid } from "../../cod/writing/files.ts"
import { failureOf } from "../../contract/bodies.ts"
import { tempDir } from "../../support/temp.ts"
import { NEVER, type Packed, type PLACES, packed } from "./packed.ts"

const SECOND = "1.2.826.0.1.3680043.8.498.21"
const instance = (n: number) => ({ instance: uid(n) })
const METADATA = `studies/${STUDY}/series/${SERIES}/metadata.json`

interface Rebuilt extends Disposable {
  readonly ledger: Ledger
  readonly report: RebuildReport
}

async function rebuild({ destination, datastore }: Packed, uidHashKey?: string): Promise<Rebuilt> {
  const dir = tempDir("rebuilt")
  const path = dir.file("ledger.sqlite")
  const deps = { destination, datastore, uidHashKey, progress: silentProgress }
  const report = await rebuildLedger(deps, { path, words: [] }, NEVER).catch((error: unknown) => {
    dir[Symbol.dispose]()
    throw error
  })
  const ledger = openLedger(path)
  return {
    ledger,
    report,
    [Symbol.dispose]() {
      ledger[Symbol.dispose]()
      dir[Symbol.dispose]()
    },
  }
}

/** Everything that packing goes by. */
const knowledge = (ledger: Ledger) => ({
  files: ledger.db
    .query(
      `select study_id, path, objects.state, size, crc32c, generation, sop_instance_uid, transfer_syntax, frames, study_uid,
         series_uid, to_pack, copy_deleted_at is null as has_copy
       from objects left join cod_series using (series_no) order by study_id, position`,
    )
    .all(),
  instances: ledger.db
    .query(
      `select series_uid, study_id, position, crc32c, start_byte
       from cod_instances join cod_series using (series_no) order by 1, 2, 3`,
    )
    .all(),
  series: ledger.db
    .query(
      "select study_uid, series_uid, cod_series.state, tar_generation, metadata_generation from cod_series order by 2",
    )
    .all(),
  datastore: ledger.db.query("select * from cod_datastore").all(),
  series_totals: ledger.db
    .query("select name, count from totals where name like 'series.%' and count > 0")
    .all(),
})

for (const kind of ["a folder", "a bucket"] as const satisfies readonly (keyof typeof PLACES)[])
  describe(`from receipts and metadata in ${kind}`, () => {
    test("a ledger knows again all that was packed, and of which nothing but the series is left", async () => {
      await using site = await packed(kind)
      await site.copied("a", [instance(1), { ...instance(2), series: SECOND }])
      await site.copied("b", [instance(3), instance(1)])
      await site.pack()
      await deleteCopies(site.deps, { studyIds: ["b"] }, NEVER)
      using rebuilt = await rebuild(site)
      expect(rebuilt.report).toMatchObject({ studies: 2, series: 2, unusable: [] })
      expect(knowledge(rebuilt.ledger)).toEqual(knowledge(site.ledger))
    })

    test("a series that waited when the ledger was lost waits again", async () => {
      await using site = await packed(kind)
      await site.copied("a", [instance(1)])
      using rebuilt = await rebuild(site)
      expect(rebuilt.report).toMatchObject({ studies: 1, series: 0, unusable: [] })
      expect({ ...knowledge(rebuilt.ledger), datastore: [] }).toEqual({
        ...knowledge(site.ledger),
        datastore: [],
      })
    })
  })

test("Hashed UIDs are found by their key; by another one nothing is made of it", async () => {
  await using site = await packed("a folder", { uidHashKey: "a long random text" })
  await site.copied("a", [instance(1)])
  await site.pack()
  expect(await failureOf(rebuild(site))).toBeInstanceOf(UsageError)
  expect(await failureOf(rebuild(site, "another random text"))).toBeInstanceOf(UsageError)
  using rebuilt = await rebuild(site, "a long random text")
  expect(rebuilt.report).toMatchObject({ series: 1, unusable: [] })
  expect(knowledge(rebuilt.ledger)).toEqual(knowledge(site.ledger))
})

test("Of receipts that name no series the copies that each image was packed from tell them", async () => {
  await using site = await packed("a folder", { uidHashKey: "a long random text" })
  await site.copied("a", [instance(1), instance(2)])
  await site.pack()
  const key = "_receipts/org/a.json"
  const receipt = await site.receipt("a")
  const old = { ...receipt, receipt_version: 1, series: undefined }
  const objects = receipt.objects.map(
    ({ instance_uid: _, series: __, transfer_syntax: ___, frames: ____, ...object }) => object,
  )
  const { generation } = (await site.destination.head(key))!
  const body = Buffer.from(JSON.stringify({ ...old, objects }))
  await site.destination.write(key, body, { ifGeneration: generation, contentType: "application/json" })
  using rebuilt = await rebuild(site, "a long random text")
  expect(rebuilt.report).toMatchObject({ series: 1, unusable: [] })
  expect(knowledge(rebuilt.ledger)).toEqual(knowledge(site.ledger))
  using other = await rebuild(site, "another random text")
  expect(other.report.series).toBe(0)
})

test("A series whose metadata cannot be read is told, and its images wait again", async () => {
  await using site = await packed("a folder")
  await site.copied("a", [instance(1)])
  await site.copied("b", [{ ...instance(2), series: SECOND }])
  await site.pack()
  const { generation } = (await site.datastore.head(METADATA))!
  const uri = `${site.datastore.uri}/studies/${STUDY}/series`
  await site.datastore.write(METADATA, Buffer.from("garbage"), {
    ifGeneration: generation,
    contentType: "x/y",
  })
  const second = `studies/${STUDY}/series/${SECOND}/metadata.json`
  await site.datastore.delete(second, { ifGeneration: (await site.datastore.head(second))!.generation })
  using rebuilt = await rebuild(site)
  const told = new Map(rebuilt.report.unusable.map(({ key, reason }) => [key, reason]))
  expect([...told.keys()].sort()).toEqual([`${uri}/${SERIES}`, `${uri}/${SECOND}`])
  expect(told.get(`${uri}/${SECOND}`)).toContain("no metadata")
  const waiting = "select count(*) as n from objects where to_pack = 1 and series_no is not null"
  expect(rebuilt.ledger.db.query(waiting).all()).toEqual([{ n: 2 }])
})

test("An image that is neither in its series nor beside it is copied again", async () => {
  await using site = await packed("a folder")
  await site.copied("a", [instance(1), instance(2)])
  await site.pack()
  await deleteCopies(site.deps, {}, NEVER)
  await site.remove(uid(2))
  using rebuilt = await rebuild(site)
  expect(rebuilt.report).toMatchObject({
    series: 1,
    unusable: [{ reason: expect.stringContaining("1 of its images") }],
  })
  const { files } = knowledge(rebuilt.ledger)
  expect(files.slice(1)).toMatchObject([
    { state: "copied", to_pack: 0, has_copy: 0 },
    { state: "pending", to_pack: 0, has_copy: 1, sop_instance_uid: uid(2) },
  ])
  expect(rebuilt.ledger.db.query("select due, completed_at from studies").all()).toEqual([
    { due: 1, completed_at: null },
  ])
})
