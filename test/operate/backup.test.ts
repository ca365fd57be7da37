import { Database } from "bun:sqlite"
import { afterAll, describe, expect, test } from "bun:test"
import {
  existsSync,
  readdirSync,
  readFileSync,
  statfsSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { pathToFileURL } from "node:url"
import { startCloud } from "../../lib/demo/cloud/server.ts"
import { listBackups } from "../../lib/ledger/backup.ts"
import { LedgerUnusable } from "../../lib/ledger/errors.ts"
import { openLedger } from "../../lib/ledger/open.ts"
import { endRun } from "../../lib/ledger/runs.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { BackupDiffers, backUp, backupIfDue } from "../../lib/operate/backup.ts"
import { openStore } from "../../lib/storage/open.ts"
import { crc32cBase64 } from "../../lib/support/checksums.ts"
import {
  chestStudy,
  DAY,
  HOUR,
  newCohort,
  newRun,
  rows,
  type TestLedger,
  testLedger,
} from "../support/ledger.ts"
import { runScript } from "../support/process.ts"
import { tempDir } from "../support/temp.ts"
import { tinyDisk } from "../support/tiny-disk.ts"

const FIRST = "ledger-2026-03-01T02-00-00Z.sqlite"

const folderOf = ({ dir }: TestLedger) => dir.file("state", "backups")
const filesOf = (bench: TestLedger) => readdirSync(folderOf(bench)).sort()
const depsOf = ({ ledger }: TestLedger) => ({ ledger, store: undefined })

function studiesIn(path: string): unknown[] {
  using db = new Database(path, { readonly: true })
  return db.query("select study_id from studies order by 1").values().flat()
}

describe("A backup", () => {
  test("is a whole ledger beside the ledger, for its owner alone", async () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    const { backup, copied_to } = await backUp(depsOf(bench))
    expect(backup).toMatchObject({ name: FIRST, taken_at: "2026-03-01T02:00:00Z" })
    expect(copied_to).toBeNull()
    expect(filesOf(bench)).toEqual([FIRST])
    expect(statSync(folderOf(bench)).mode & 0o777).toBe(0o700)
    expect(statSync(backup.path).mode & 0o777).toBe(0o600)
    using copy = openLedger(backup.path, { readonly: true })
    expect(copy.id).toBe(bench.ledger.id)
    expect(rows(copy, "pragma integrity_check")).toEqual([{ integrity_check: "ok" }])
    expect(rows(copy, "select study_id from studies")).toEqual([{ study_id: "a" }])
  })

  test("is taken while another process writes, and holds what was committed", async () => {
    using bench = testLedger()
    using rival = new Database(bench.path)
    rival.run("begin immediate")
    rival.run("insert into totals values ('half-done', 1, 0)")
    const { backup } = await backUp({ ledger: bench.reopen({ readonly: true }), store: undefined })
    rival.run("commit")
    using copy = new Database(backup.path, { readonly: true })
    expect(copy.query("select * from totals where name = 'half-done'").all()).toEqual([])
  })

  test("is one of 7: older ones go, and so does what a crash left", async () => {
    using bench = testLedger()
    for (let day = 0; day < 9; day += 1) {
      await backUp(depsOf(bench))
      bench.clock.advance(DAY)
    }
    const abandoned = `${folderOf(bench)}/${FIRST}.unfinished-1`
    writeFileSync(abandoned, "half")
    utimesSync(abandoned, 0, 0)
    const { removed } = await backUp(depsOf(bench))
    expect(removed).toEqual(["ledger-2026-03-03T02-00-00Z.sqlite"])
    expect(filesOf(bench)).toHaveLength(7)
    expect(filesOf(bench)[0]).toBe("ledger-2026-03-04T02-00-00Z.sqlite")
  })

  test("of a damaged ledger is refused, and the older ones stay", async () => {
    using bench = testLedger()
    for (let n = 0; n < 200; n += 1) recordStudy(bench.ledger, chestStudy(`s${n}`), bench.cohortId)
    for (let day = 0; day < 7; day += 1) {
      await backUp(depsOf(bench))
      bench.clock.advance(DAY)
    }
    bench.ledger.db.run("pragma wal_checkpoint(truncate)")
    const bytes = readFileSync(bench.path)
    bytes.fill(0xa5, 40_960, 122_880)
    const damaged = bench.dir.file("state", "damaged.sqlite")
    writeFileSync(damaged, bytes)
    using ledger = openLedger(damaged, { readonly: true, clock: bench.clock })
    await expect(backUp({ ledger, store: undefined })).rejects.toThrow(LedgerUnusable)
    expect(filesOf(bench)).toHaveLength(7)
  })

  test.skipIf(!tinyDisk.isPossible)("that finds no room leaves nothing half done, and says so", async () => {
    using disk = tinyDisk.mount(8_000_000)
    using ledger = openLedger(`${disk.path}/ledger.sqlite`)
    const cohortId = newCohort(ledger, newRun(ledger))
    ledger.write(() => {
      for (let n = 0; n < 600; n += 1) recordStudy(ledger, chestStudy(`s${n}`), cohortId)
    })
    ledger.db.run("pragma wal_checkpoint(truncate)")
    const { bavail, bsize } = statfsSync(disk.path)
    writeFileSync(`${disk.path}/filler`, Buffer.alloc(bavail * bsize - 300_000))
    await expect(backUp({ ledger, store: undefined })).rejects.toThrow("no space left for the ledger")
    expect(readdirSync(`${disk.path}/backups`)).toEqual([])
    disk.grow(16_000_000)
    expect((await backUp({ ledger, store: undefined })).backup.bytes).toBeGreaterThan(500_000)
  })

  test("is only told of by a dry run", async () => {
    using bench = testLedger()
    const report = await backUp(depsOf(bench), { dryRun: true })
    expect(report).toMatchObject({ backup: { name: FIRST }, dry_run: true })
    expect(existsSync(folderOf(bench))).toBe(false)
  })
})

describe("Once a day", () => {
  test("there is one backup, however often it is asked for", async () => {
    using bench = testLedger()
    expect((await backupIfDue(depsOf(bench)))?.backup.name).toBe(FIRST)
    bench.clock.advance(21 * HOUR)
    expect(await backupIfDue(depsOf(bench))).toBeUndefined()
    bench.clock.advance(HOUR)
    expect((await backupIfDue(depsOf(bench)))?.backup.name).toBe("ledger-2026-03-02T00-00-00Z.sqlite")
  })

  test("what could not be copied to the store is copied later, without another backup", async () => {
    using bench = testLedger()
    using store = bucket("later")
    await backUp(depsOf(bench))
    expect((await backupIfDue({ ledger: bench.ledger, store }))?.copied_to).toBe(`gs://later/ledger/${FIRST}`)
    expect(await backupIfDue({ ledger: bench.ledger, store })).toBeUndefined()
    expect(filesOf(bench)).toEqual([FIRST])
  })
})

const cloud = await startCloud({ keepAlive: false })
afterAll(() => cloud.stop())

function bucket(name: string) {
  cloud.createBucket(name)
  return openStore(`gs://${name}/ledger`, { gcs: { emulatorUrl: cloud.url } })
}

describe("With LEDGER_BACKUP_URI a backup", () => {
  test("is created at the store, whole, under its own name", async () => {
    using bench = testLedger()
    using store = bucket("backups")
    const { backup, copied_to } = await backUp({ ledger: bench.ledger, store })
    expect(copied_to).toBe(`gs://backups/ledger/${FIRST}`)
    const stored = cloud.get("backups", `ledger/${FIRST}`)!.bytes
    expect(crc32cBase64(stored)).toBe(crc32cBase64(readFileSync(backup.path)))
  })

  test("replaces nothing: what else stands there is told and left", async () => {
    using bench = testLedger()
    using store = bucket("taken")
    cloud.put("taken", `ledger/${FIRST}`, Buffer.from("somebody else's"))
    await expect(backUp({ ledger: bench.ledger, store })).rejects.toThrow(BackupDiffers)
    expect(Buffer.from(cloud.get("taken", `ledger/${FIRST}`)!.bytes).toString()).toBe("somebody else's")
    expect(filesOf(bench)).toEqual([FIRST])
  })

  test("that is there already is no failure", async () => {
    using bench = testLedger()
    using store = bucket("again")
    await backUp({ ledger: bench.ledger, store })
    const again = await backUp({ ledger: bench.ledger, store })
    expect(again.copied_to).toBe(`gs://again/ledger/${FIRST}`)
  })
})

describe("The script", () => {
  const backup = (bench: TestLedger, words: readonly string[], env: Record<string, string> = {}) =>
    runScript(["scripts/backup.ts", ...words], { env: { LEDGER_PATH: bench.path, ...env } })

  test("backs up, copies to a folder, and lists", async () => {
    using bench = testLedger()
    using elsewhere = tempDir()
    const uri = pathToFileURL(elsewhere.path).href
    const taken = await backup(bench, ["--json"], { LEDGER_BACKUP_URI: uri })
    expect([taken.exitCode, taken.stderr]).toEqual([0, ""])
    const report = JSON.parse(taken.stdout)
    expect(readFileSync(elsewhere.file(report.backup.name)).equals(readFileSync(report.backup.path))).toBe(
      true,
    )
    const listed = await backup(bench, ["list", "--json"])
    expect(JSON.parse(listed.stdout)).toEqual(listBackups(bench.path))
    expect((await backup(bench, ["list"])).stdout).toContain(report.backup.name)
  })

  test("with --dry-run leaves no file", async () => {
    using bench = testLedger()
    const { exitCode, stdout } = await backup(bench, ["--dry-run"])
    expect(exitCode).toBe(0)
    expect(stdout).toStartWith("would back up to ")
    expect(existsSync(folderOf(bench))).toBe(false)
  })

  test.each([
    [["restore"], "not understood: restore"],
    [["lists"], "not understood: lists"],
    [["restore", "nothing.sqlite"], "there is no such backup: nothing.sqlite"],
  ])("refuses %p: exit code 2", async (words, message) => {
    using bench = testLedger()
    const { exitCode, stderr } = await backup(bench, words)
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
  })

  test("restores a backup, and refuses while a run is under way: exit code 3", async () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    await backUp(depsOf(bench))
    const run = newRun(bench.ledger)
    recordStudy(bench.ledger, chestStudy("b"), bench.cohortId)
    endRun(bench.ledger, bench.runId, "done", {})
    // Its clock stands still, so say when its lease ends.
    bench.ledger.db.run("update runs set alive_until = '2999-01-01'")
    const held = await backup(bench, ["restore", FIRST])
    expect(held.exitCode).toBe(3)
    expect(held.stderr).toContain(`run ${run} (copy) works with the ledger`)
    endRun(bench.ledger, run, "done", {})
    const restored = await backup(bench, ["restore", FIRST])
    expect([restored.exitCode, restored.stderr]).toEqual([0, ""])
    expect(restored.stdout).toContain("it holds 1 study, 0 complete")
    expect(studiesIn(bench.path)).toEqual(["a"])
  })
})
