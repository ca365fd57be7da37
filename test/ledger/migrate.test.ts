import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { LedgerUnusable } from "../../lib/ledger/errors.ts"
import tables from "../../lib/ledger/migrations/001_tables.sql" with { type: "text" }
import { openLedger } from "../../lib/ledger/open.ts"
import { ledgerVersions, progressLines } from "../../lib/ledger/views.ts"
import { rows, testLedger } from "../support/ledger.ts"
import { PROJECT_ROOT } from "../support/process.ts"
import { tempDir } from "../support/temp.ts"

const MIGRATIONS = readdirSync(join(PROJECT_ROOT, "lib/ledger/migrations")).sort()

/** A ledger as the first version made it: tables, no views. */
function firstVersion(path: string) {
  using db = new Database(path, { create: true, strict: true })
  db.run("pragma journal_mode = wal")
  db.run(tables)
  db.run("insert into ledger values ('the-old-one', '2020-01-01T00:00:00.000Z')")
  db.run("pragma user_version = 1")
}

function versionOf(path: string): unknown {
  using db = new Database(path, { readonly: true })
  return db.query("pragma user_version").get()
}

describe("Migrations", () => {
  test("are numbered without a gap, and a new ledger has all of them", () => {
    using bench = testLedger()
    expect(MIGRATIONS.map((name) => Number(name.slice(0, 3)))).toEqual(
      MIGRATIONS.map((_, index) => index + 1),
    )
    expect(ledgerVersions(bench.ledger).ledger_schema).toBe(MIGRATIONS.length)
  })

  test("bring an older ledger up to date and keep what it holds", () => {
    using dir = tempDir()
    const path = dir.file("ledger.sqlite")
    firstVersion(path)
    using ledger = openLedger(path)
    expect(ledger.id).toBe("the-old-one")
    expect(ledgerVersions(ledger).ledger_schema).toBe(MIGRATIONS.length)
    expect(progressLines(ledger)).not.toEqual([])
  })

  test("set a copy of the older ledger aside first, for its owner alone", () => {
    using dir = tempDir()
    const path = dir.file("ledger.sqlite")
    firstVersion(path)
    openLedger(path)[Symbol.dispose]()
    const copy = `${path}.before-migration-1`
    expect(readdirSync(dir.path).sort()).toEqual(["ledger.sqlite", "ledger.sqlite.before-migration-1"])
    expect(statSync(copy).mode & 0o777).toBe(0o600)
    expect(versionOf(copy)).toEqual({ user_version: 1 })
    using db = new Database(copy, { readonly: true })
    expect(db.query("select ledger_id from ledger").all()).toEqual([{ ledger_id: "the-old-one" }])
  })

  test("replace a copy that a crash left unfinished", () => {
    using dir = tempDir()
    const path = dir.file("ledger.sqlite")
    firstVersion(path)
    writeFileSync(`${path}.before-migration-1`, "half a co")
    openLedger(path)[Symbol.dispose]()
    expect(versionOf(`${path}.before-migration-1`)).toEqual({ user_version: 1 })
  })

  test("make no copy of a ledger that is new or up to date", () => {
    using bench = testLedger()
    bench.reopen()
    expect(readdirSync(bench.dir.file("state")).filter((name) => name.includes("migration"))).toEqual([])
  })

  test("leave the ledger as it was when one of them fails", () => {
    using dir = tempDir()
    const path = dir.file("ledger.sqlite")
    firstVersion(path)
    {
      using db = new Database(path)
      db.run("create table recent_runs (in_the_way text)")
    }
    expect(() => openLedger(path)).toThrow("recent_runs")
    expect(versionOf(path)).toEqual({ user_version: 1 })
    using db = new Database(path, { readonly: true })
    expect(db.query("select name from sqlite_schema where type = 'view'").all()).toEqual([])
  })

  test("are not made by a reader, who is told what makes them", () => {
    using dir = tempDir()
    const path = dir.file("ledger.sqlite")
    firstVersion(path)
    expect(() => openLedger(path, { readonly: true })).toThrow(
      `the ledger is older than this program: ${path}`,
    )
    expect(versionOf(path)).toEqual({ user_version: 1 })
    expect(existsSync(`${path}.before-migration-1`)).toBe(false)
  })
})

describe("A ledger that is newer than this program", () => {
  test.each([true, false])("is refused and left as it is (readonly: %p)", (readonly) => {
    using bench = testLedger()
    const next = MIGRATIONS.length + 1
    bench.ledger.db.run(`pragma user_version = ${next}`)
    bench.ledger[Symbol.dispose]()
    const before = readFileSync(bench.path)
    const open = () => openLedger(bench.path, { readonly })
    expect(open).toThrow(LedgerUnusable)
    expect(open).toThrow(`${bench.path} has version ${next}, this program knows ${MIGRATIONS.length}`)
    expect(readFileSync(bench.path).equals(before)).toBe(true)
  })
})

describe("Processes that start at one moment", () => {
  const openAtOnce = async (path: string, count: number) => {
    const children = Array.from({ length: count }, () =>
      Bun.spawn([process.execPath, "--no-env-file", join(import.meta.dir, "open-child.ts"), path], {
        stdin: "pipe",
        stdout: "pipe",
        stderr: "pipe",
      }),
    )
    const readers = children.map((child) => child.stderr.getReader())
    await Promise.all(readers.map((reader) => reader.read()))
    await Promise.all(children.map((child) => child.stdin.end()))
    return Promise.all(
      children.map(async (child, index) => {
        const said = new TextDecoder().decode((await readers[index]!.read()).value)
        return [await child.exited, (await child.stdout.text()).trim(), said]
      }),
    )
  }

  test("make one ledger between them", async () => {
    using dir = tempDir()
    const path = dir.file("state", "ledger.sqlite")
    const ends = await openAtOnce(path, 4)
    using ledger = openLedger(path)
    expect(ends).toEqual(Array.from({ length: 4 }, () => [0, ledger.id, ""]))
  })

  test("migrate it once between them, with one whole copy", async () => {
    using dir = tempDir()
    const path = dir.file("ledger.sqlite")
    firstVersion(path)
    const ends = await openAtOnce(path, 4)
    expect(ends).toEqual(Array.from({ length: 4 }, () => [0, "the-old-one", ""]))
    expect(readdirSync(dir.path).sort()).toEqual(["ledger.sqlite", "ledger.sqlite.before-migration-1"])
    expect(versionOf(`${path}.before-migration-1`)).toEqual({ user_version: 1 })
    using ledger = openLedger(path)
    expect(rows(ledger, "pragma integrity_check")).toEqual([{ integrity_check: "ok" }])
  })
})
