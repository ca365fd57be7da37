import { describe, expect, test } from "bun:test"
import { readdirSync, rmSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { openLedger } from "../../../lib/ledger/open.ts"
import { type RebuildOptions, rebuildLedger } from "../../../lib/pipeline/verify/rebuild.ts"
import { openStore } from "../../../lib/storage/open.ts"
import { UsageError } from "../../../lib/support/errors.ts"
import { silentProgress } from "../../../lib/support/progress.ts"
import type { Stop } from "../../../lib/support/stop.ts"
import { failureOf } from "../../contract/bodies.ts"
import { dicomBody } from "../../support/chest.ts"
import { type Hospital, openHospital } from "../../support/hospital.ts"
import { script } from "../../support/scripts.ts"

const NEVER: Stop = { requested: new AbortController().signal, forced: new AbortController().signal }

const newPath = ({ dir }: Hospital) => dir.file("state", "rebuilt.sqlite")

function rebuild(hospital: Hospital, options: Partial<RebuildOptions> = {}, stop = NEVER) {
  return hospital.withDeps(async ({ destination }) => {
    using datastore = openStore(`${destination.uri}/cod/dicomweb`, {
      gcs: { emulatorUrl: hospital.cloud.url },
    })
    const deps = { destination, datastore, uidHashKey: undefined, progress: silentProgress }
    return await rebuildLedger(deps, { path: newPath(hospital), words: [], ...options }, stop)
  })
}

/** Files beside the ledger, without those of the ledger itself. */
const filesOf = ({ ledgerPath }: Hospital) =>
  readdirSync(dirname(ledgerPath)).filter((name) => name.startsWith("rebuilt"))

/** A hospital that was copied, and lost its ledger. */
async function lost(count: number) {
  const hospital = await openHospital()
  const studies = []
  for (let n = 0; n < count; n++) {
    studies.push(await hospital.admit({ images: [{}, { instance_number: 2, file_path: `pacs/${n}.dcm` }] }))
  }
  // This one's metadata and reports are made from the database.
  for (const key of [studies[0]!.metadataKey, ...studies[0]!.reportKeys])
    hospital.cloud.delete(hospital.origin, key)
  await hospital.pacs.sql`update pacs_reports set content = 'Informe' where content is null`
  await hospital.discoverAndCopy()
  return { hospital, studies }
}

/** From now on the hospital has the rebuilt ledger and no other. */
function switchTo(hospital: Hospital, path: string) {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(hospital.ledgerPath + suffix, { force: true })
  hospital.env.LEDGER_PATH = path
}

describe("a ledger rebuilt from receipts", () => {
  test("holds every study as complete, and verify finds nothing wrong", async () => {
    const { hospital } = await lost(3)
    using _ = hospital
    const path = newPath(hospital)
    const report = await rebuild(hospital)
    const [{ bytes }] = hospital.rows<{ bytes: number }>("select sum(size) as bytes from objects") as [
      { bytes: number },
    ]
    expect(report).toEqual({ ledger: path, studies: 3, objects: 12, bytes, series: 0, unusable: [] })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(filesOf(hospital)).toEqual(["rebuilt.sqlite"])
    const ids = "select study_id, path, series_id, source_id from objects order by study_id, path"
    const before = hospital.rows(ids)
    using rebuilt = openLedger(path, { readonly: true })
    expect(rebuilt.db.query(ids).all()).toEqual(before)
    switchTo(hospital, path)
    expect(await hospital.verify({ read: true })).toMatchObject({ code: 0, studies: 3, objects: 12, bytes })
    expect((await hospital.copy()).studies).toEqual([])
  })

  test("lets discover and copy find nothing to transfer: no body is read and nothing is written", async () => {
    const { hospital, studies } = await lost(3)
    using _ = hospital
    await rebuild(hospital)
    switchTo(hospital, newPath(hospital))
    hospital.cloud.log.clear()
    expect((await hospital.discover()).studies).toMatchObject({ new: 0, changed: 3 })
    const { totals } = await hospital.copy()
    expect(totals).toMatchObject({ studies: 3, succeeded: 3, bytes: 0, skipped: 12 })
    expect(hospital.cloud.log.entries.filter(({ effect }) => effect !== undefined)).toEqual([])
    expect(hospital.cloud.log.count({ operation: "s3.get", status: 200 })).toBe(0)
    // From here on it is a ledger like any other.
    expect((await hospital.discover()).studies).toMatchObject({ changed: 0, unchanged: 3 })
    expect((await hospital.copy()).studies).toEqual([])
    const [key] = studies[1]!.imageKeys as [string]
    hospital.cloud.put(hospital.origin, key, dicomBody(7))
    await hospital.verify({ source: true })
    expect((await hospital.copy()).totals).toMatchObject({ succeeded: 1, dicom_files_uploaded: 1 })
  })

  test("withdraws what is not eligible any more, as the lost one would have", async () => {
    const { hospital, studies } = await lost(2)
    using _ = hospital
    await rebuild(hospital)
    switchTo(hospital, newPath(hospital))
    await hospital.pacs
      .sql`update pacs_reports set signed_at = null, status = 'draft' where study_id = ${studies[0]!.studyId}`
    expect((await hospital.discover()).studies).toMatchObject({ withdrawn: 1 })
  })

  test("never takes the place of a file that is there", async () => {
    const { hospital } = await lost(1)
    using _ = hospital
    await Bun.write(newPath(hospital), "precious")
    hospital.cloud.log.clear()
    expect(await failureOf(rebuild(hospital))).toBeInstanceOf(UsageError)
    expect(await Bun.file(newPath(hospital)).text()).toBe("precious")
    expect(filesOf(hospital)).toEqual(["rebuilt.sqlite"])
    expect(hospital.cloud.log.count({ operation: "gcs.media" })).toBe(0)
  })

  test("nor of one that appears meanwhile, and leaves nothing of its own", async () => {
    const { hospital } = await lost(1)
    using _ = hospital
    const reading = hospital.cloud.fail({ operation: "gcs.media", fault: { kind: "stall" } })
    const rebuilding = failureOf(rebuild(hospital))
    await reading.reached()
    await Bun.write(newPath(hospital), "precious")
    reading.release()
    expect(await rebuilding).toBeInstanceOf(UsageError)
    expect(await Bun.file(newPath(hospital)).text()).toBe("precious")
    expect(filesOf(hospital)).toEqual(["rebuilt.sqlite"])
  })

  test("as a dry run reads and tells the same, and leaves no file", async () => {
    const { hospital } = await lost(2)
    using _ = hospital
    const told = await rebuild(hospital, { dryRun: true })
    expect(filesOf(hospital)).toEqual([])
    expect(await rebuild(hospital)).toEqual(told)
  })

  test("tells what stands among the receipts and cannot be used, and takes the rest", async () => {
    const { hospital, studies } = await lost(2)
    using _ = hospital
    const { cloud, destination } = hospital
    const { receiptKey, organizationId } = studies[0]!
    const receipt = JSON.parse(hospital.text(receiptKey))
    const put = (key: string, content: unknown) => cloud.put(destination, key, JSON.stringify(content))
    put(`_receipts/${organizationId}/other.json`, receipt)
    put(`_receipts/${organizationId}/foreign.json`, { tool: "another tool 1.0" })
    cloud.put(destination, `_receipts/${organizationId}/notes.txt`, "not JSON")
    put(receiptKey, { ...receipt, objects: [{ ...receipt.objects[0], crc32c: undefined }] })
    put(`_receipts/a/${studies[1]!.studyId}.json`, {
      ...JSON.parse(hospital.text(studies[1]!.receiptKey)),
      organization_id: "a",
      objects: [],
    })
    const moved = { ...JSON.parse(hospital.text(studies[1]!.receiptKey)), organization_id: "b" }
    put(`_receipts/b/${studies[1]!.studyId}.json`, moved)
    const { studies: count, unusable } = await rebuild(hospital)
    expect(count).toBe(1)
    const again = "another receipt of its study was read before"
    expect(unusable.filter(({ reason }) => reason === again)).toHaveLength(1)
    const others = unusable.filter(({ reason }) => reason !== again)
    expect(Object.fromEntries(others.map(({ key, reason }) => [key.split("/").at(-1), reason]))).toEqual({
      "other.json": "the receipt of another study",
      "foreign.json": "not a receipt of this tool",
      "notes.txt": "not a receipt of this tool",
      [`${studies[0]!.studyId}.json`]: "an entry is not whole",
      [`${studies[1]!.studyId}.json`]: "an entry is not whole",
    })
  })

  test("stopped leaves nothing behind", async () => {
    const { hospital } = await lost(1)
    using _ = hospital
    const requested = new AbortController()
    const reading = hospital.cloud.fail({ operation: "gcs.media", fault: { kind: "stall" } })
    const rebuilding = failureOf(rebuild(hospital, {}, { ...NEVER, requested: requested.signal }))
    await reading.reached()
    requested.abort(new Error("stopped"))
    expect(await rebuilding).toBeDefined()
    expect(filesOf(hospital)).toEqual([])
  })

  test("is made by the script, which wants no ledger and asks for nothing else", async () => {
    const { hospital } = await lost(1)
    using _ = hospital
    const path = newPath(hospital)
    const both = await script(hospital, "verify", "--rebuild-ledger", path, "--repair")
    expect(both.exitCode).toBe(2)
    hospital.env.LEDGER_PATH = hospital.dir.file("state", "lost.sqlite")
    const made = await script(hospital, "verify", "--rebuild-ledger", path)
    expect({ exitCode: made.exitCode, out: made.stdout }).toMatchObject({ exitCode: 0 })
    expect(made.stdout).toContain(`1 study, 4 objects`)
    expect((await script(hospital, "verify", "--rebuild-ledger", path)).exitCode).toBe(2)
    hospital.env.LEDGER_PATH = path
    expect((await script(hospital, "verify")).exitCode).toBe(0)
  })
})
