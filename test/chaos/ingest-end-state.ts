import { expect } from "bun:test"
import { existsSync, readdirSync } from "node:fs"
import { CODObject, check, findLocks, seriesUri } from "../../lib/cod/index.ts"
import { wrongTotals } from "../../lib/ledger/totals.ts"
import { rows } from "../support/ledger.ts"
import type { ArchivedSeries } from "./ingest-archive.ts"
import { verifyHere } from "./ingest-run.ts"
import type { Box } from "./ingest-site.ts"

/** What must be true once everything was copied and packed, however often it was interrupted on the way. */
export async function expectAllPackedOnce(box: Box) {
  await Promise.all(box.archive.series.map((series) => expectWhole(box, series)))
  expectLedgerSound(box)
  await expectOffsetsTrue(box)
  expect(existsSync(box.spool) ? readdirSync(box.spool) : []).toEqual([])
  expect(await verifyHere(box.env)).toMatchObject({ problems: [], finished: true })
}

/** Every instance once, its bytes those of the origin; nothing else in the tar, and no lock. */
async function expectWhole({ datastore }: Box, { studyUid, seriesUid, instances }: ArchivedSeries) {
  const place = { datastore: datastore.uri, studyUid, seriesUid }
  await using cod = await CODObject.open({ ...place, store: datastore, lock: false })
  const stored = (await cod.getMetadata()).instances
  expect([...stored.keys()].sort()).toEqual([...instances.keys()].sort())
  for (const [key, bytes] of instances) {
    await using view = await cod.openInstance(key)
    expect(Buffer.compare(await view.bytes(), bytes)).toBe(0)
  }
  expect((await check(seriesUri(place), { store: datastore })).findings).toEqual([])
  expect(await findLocks(datastore, place)).toEqual([])
}

export function expectLedgerSound(box: Pick<Box, "openLedger">) {
  using ledger = box.openLedger()
  expect(rows(ledger, "pragma integrity_check")).toEqual([{ integrity_check: "ok" }])
  expect(rows(ledger, "pragma foreign_key_check")).toEqual([])
  expect(wrongTotals(ledger)).toEqual([])
  for (const table of ["claims", "cod_claims"]) expect(rows(ledger, `select * from ${table}`)).toEqual([])
  expect(rows(ledger, "select * from cod_locks where ended_at is null")).toEqual([])
  expect(rows(ledger, "select * from cod_series where state <> 'packed'")).toEqual([])
  expect(rows(ledger, "select * from cod_series where thumbnail is not 'made'")).toEqual([])
  expect(rows(ledger, "select * from objects where to_pack = 1 or state <> 'copied'")).toEqual([])
  expect(rows(ledger, "select study_id from studies where completed_at is null or due = 1")).toEqual([])
}

/** The ledger knows where each file lies in its tar. */
async function expectOffsetsTrue(box: Box) {
  const known = new Map<string, number | null>()
  {
    using ledger = box.openLedger()
    const packed = rows<{ uid: string; start: number | null }>(
      ledger,
      `select o.sop_instance_uid as uid, i.start_byte as start
       from cod_instances i join objects o using (study_id, position) where i.result in ('new', 'same')`,
    )
    for (const { uid, start } of packed) known.set(uid, start)
  }
  for (const { studyUid, seriesUid } of box.archive.series) {
    const place = { datastore: box.datastore.uri, studyUid, seriesUid }
    await using cod = await CODObject.open({ ...place, store: box.datastore, lock: false })
    for (const [key, entry] of (await cod.getMetadata()).instances) {
      expect({ key, start: known.get(key) }).toEqual({
        key,
        start: entry.kind === "instance" ? entry.startByte : undefined,
      })
      known.delete(key)
    }
  }
  expect([...known.keys()]).toEqual([])
}

/** Every key of the bucket: what an undisturbed run leaves there, and nothing else. */
export function keysOf({ cloud, destination }: Box): string[] {
  return cloud.keys(destination).sort()
}

/** Another run finds everything as it should be: it looks once at each series, and changes nothing. */
export async function expectNothingToDo(box: Box) {
  const before = box.cloud.log.entries.length
  const { exitCode, stderr } = await box.run("scripts/run.ts")
  expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" })
  const asked = box.cloud.log.entries.slice(before).filter(({ bucket }) => bucket === box.destination)
  expect(asked.filter(({ effect }) => effect !== undefined)).toEqual([])
  expect(asked.filter(({ operation }) => operation === "gcs.media")).toEqual([])
}
