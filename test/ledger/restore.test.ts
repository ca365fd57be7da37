import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { takeBackup } from "../../lib/ledger/backup.ts"
import { LEDGER_VERSION } from "../../lib/ledger/migrate.ts"
import { openLedger } from "../../lib/ledger/open.ts"
import { BackupRefused, inspectBackup, requireReplaceable, swapIn } from "../../lib/ledger/restore.ts"
import { endRun } from "../../lib/ledger/runs.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { HeldByAnother } from "../../lib/support/errors.ts"
import { chestStudy, HOUR, newRun, rows, testLedger } from "../support/ledger.ts"

/** A ledger that knows `a` and `b`, and a backup from when it knew only `a`. No run is under way. */
function backedUp() {
  const bench = testLedger()
  recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
  endRun(bench.ledger, bench.runId, "done", {})
  const { path } = takeBackup(bench.ledger)
  recordStudy(bench.ledger, chestStudy("b"), bench.cohortId)
  return Object.assign(bench, { backup: { path, ledgerId: bench.ledger.id } })
}

const restore = ({ backup, path, clock }: ReturnType<typeof backedUp>) => swapIn(backup, path, clock.now())

function studiesOf(path: string): unknown[] {
  using ledger = openLedger(path, { readonly: true })
  return rows<{ study_id: string }>(ledger, "select study_id from studies order by 1").map(
    (row) => row.study_id,
  )
}

describe("A restored backup", () => {
  test("stands in the ledger's place, whole and for its owner alone; the replaced ledger is kept", () => {
    using bench = backedUp()
    bench.ledger[Symbol.dispose]()
    const kept = restore(bench)
    expect(studiesOf(bench.path)).toEqual(["a"])
    expect(studiesOf(kept!)).toEqual(["a", "b"])
    expect(statSync(bench.path).mode & 0o777).toBe(0o600)
    expect(existsSync(bench.backup.path)).toBe(true)
  })

  test("has nothing of the replaced ledger's WAL, which goes with its own file", () => {
    using bench = backedUp()
    // A copy of the three files is what a killed process leaves.
    const killed = bench.dir.file("state", "killed.sqlite")
    for (const end of ["", "-wal"]) writeFileSync(killed + end, readFileSync(bench.path + end))
    expect(statSync(`${killed}-wal`).size).toBeGreaterThan(0)
    const kept = swapIn(bench.backup, killed, bench.clock.now())
    expect(studiesOf(killed)).toEqual(["a"])
    expect(studiesOf(kept!)).toEqual(["a", "b"])
  })

  test("takes the place of a damaged ledger, whose files are kept as they are", () => {
    using bench = backedUp()
    const damaged = bench.dir.file("state", "damaged.sqlite")
    writeFileSync(damaged, "not a database at all, whatever it was once".repeat(100))
    writeFileSync(`${damaged}-wal`, "its wal")
    const kept = swapIn(bench.backup, damaged, bench.clock.now())
    expect(studiesOf(damaged)).toEqual(["a"])
    expect(readFileSync(kept!, "utf8")).toStartWith("not a database")
    expect(readFileSync(`${kept}-wal`, "utf8")).toBe("its wal")
  })

  test("is put where no ledger is, over the WAL of one that is gone", () => {
    using bench = backedUp()
    const gone = bench.dir.file("state", "gone.sqlite")
    writeFileSync(`${gone}-wal`, readFileSync(`${bench.path}-wal`))
    expect(swapIn(bench.backup, gone, bench.clock.now())).toBeUndefined()
    expect(studiesOf(gone)).toEqual(["a"])
  })

  test("leaves nothing unfinished", () => {
    using bench = backedUp()
    restore(bench)
    const names = readdirSync(bench.dir.file("state")).filter((name) => /restored|unfinished/.test(name))
    expect(names).toEqual([])
  })
})

describe("A restore is refused", () => {
  const attempt = (bench: ReturnType<typeof backedUp>) => () =>
    requireReplaceable(bench.path, bench.backup, bench.clock.now())

  test("while a run of a living process holds the ledger", () => {
    using bench = backedUp()
    const run = newRun(bench.ledger)
    expect(attempt(bench)).toThrow(HeldByAnother)
    expect(attempt(bench)).toThrow(`run ${run} (copy) works with the ledger`)
    expect(() => restore(bench)).toThrow(HeldByAnother)
    expect(studiesOf(bench.path)).toEqual(["a", "b"])
  })

  test("not by a run whose process is gone, nor by one of another box that is silent", () => {
    using bench = backedUp()
    const own = newRun(bench.ledger)
    bench.ledger.db.run(`update runs set pid = 2147480000 where run_id = ${own}`)
    bench.ledger.db.run("pragma wal_checkpoint")
    expect(attempt(bench)).not.toThrow()
    newRun(bench.ledger, { host: "box", bootId: "boot", pid: 7, processStart: "1" })
    expect(attempt(bench)).toThrow(HeldByAnother)
    bench.clock.advance(HOUR)
    expect(attempt(bench)).not.toThrow()
  })

  test("when the backup is of another ledger", () => {
    using bench = backedUp()
    using other = testLedger()
    endRun(other.ledger, other.runId, "done", {})
    expect(() => requireReplaceable(other.path, bench.backup, other.clock.now())).toThrow(
      "is of another ledger",
    )
  })

  test("when the backup is newer than this program", () => {
    using bench = backedUp()
    change(bench, `pragma user_version = ${LEDGER_VERSION + 1}`)
    expect(() => inspectBackup(bench.backup.path)).toThrow(BackupRefused)
    expect(() => inspectBackup(bench.backup.path)).toThrow(`has version ${LEDGER_VERSION + 1}`)
  })

  test.each([
    ["is cut off", (bytes: Buffer) => bytes.subarray(0, bytes.length - 8192)],
    ["has a page of garbage", (bytes: Buffer) => bytes.fill(0xa5, 16_384, 24_576)],
    ["is no database", () => Buffer.from("hello")],
  ])("when the backup %s", (_, spoil) => {
    using bench = backedUp()
    writeFileSync(bench.backup.path, spoil(readFileSync(bench.backup.path)))
    expect(() => inspectBackup(bench.backup.path)).toThrow(BackupRefused)
  })

  test("when the backup is damaged where nothing else would look", () => {
    using bench = backedUp()
    const bytes = readFileSync(bench.backup.path)
    const page = rootPage(bench.backup.path, "objects")
    writeFileSync(bench.backup.path, bytes.fill(0xa5, (page - 1) * 8192, page * 8192))
    expect(() => inspectBackup(bench.backup.path)).toThrow("is damaged")
  })

  test("when the backup is a database of somebody else", () => {
    using bench = backedUp()
    change(bench, "alter table ledger rename to something")
    expect(() => inspectBackup(bench.backup.path)).toThrow("is no ledger")
  })
})

test("A backup tells what it holds before it is restored", () => {
  using bench = backedUp()
  expect(inspectBackup(bench.backup.path)).toEqual({
    ledger_id: bench.ledger.id,
    version: LEDGER_VERSION,
    studies: 1,
    complete: 0,
    last_run_at: "2026-03-01T02:00:00.000Z",
  })
})

function rootPage(path: string, table: string): number {
  using db = new Database(path, { readonly: true })
  return db
    .query<{ page: number }, [string]>("select rootpage as page from sqlite_schema where name = ?")
    .get(table)!.page
}

function change({ backup }: ReturnType<typeof backedUp>, sql: string) {
  using db = new Database(backup.path)
  db.run(sql)
}
