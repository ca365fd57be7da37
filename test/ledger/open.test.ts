import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { LedgerUnusable } from "../../lib/ledger/errors.ts"
import { LEDGER_VERSION } from "../../lib/ledger/migrate.ts"
import { openLedger } from "../../lib/ledger/open.ts"
import { studyById } from "../../lib/ledger/studies.ts"
import { progressLines } from "../../lib/ledger/views.ts"
import { newRun, rows, T0, testClock, testLedger } from "../support/ledger.ts"
import { tempDir } from "../support/temp.ts"

const permissions = (path: string) => statSync(path).mode & 0o777

describe("A ledger that is not there yet", () => {
  test("is made for its owner alone, with every folder above it", () => {
    using dir = tempDir()
    const path = dir.file("new", "state", "ledger.sqlite")
    using ledger = openLedger(path)
    newRun(ledger)
    expect(permissions(dir.file("new", "state"))).toBe(0o700)
    for (const file of readdirSync(dir.file("new", "state"))) {
      expect([file, permissions(dir.file("new", "state", file))]).toEqual([file, 0o600])
    }
  })

  test("leaves the rights of a folder that is there as they are", () => {
    using dir = tempDir()
    mkdirSync(dir.file("shared"), { mode: 0o750 })
    openLedger(dir.file("shared", "ledger.sqlite"))[Symbol.dispose]()
    expect(permissions(dir.file("shared"))).toBe(0o750)
  })

  test("gets an id of its own that stays", () => {
    using one = testLedger()
    using other = testLedger()
    expect(one.ledger.id).toMatch(/^[0-9a-f-]{36}$/)
    expect(one.reopen().id).toBe(one.ledger.id)
    expect(other.ledger.id).not.toBe(one.ledger.id)
  })

  test("records when it was made by the clock it was given", () => {
    using dir = tempDir()
    using ledger = openLedger(dir.file("ledger.sqlite"), { clock: testClock() })
    expect(rows(ledger, "select created_at from ledger")).toEqual([{ created_at: T0 }])
  })

  test("survives power loss and checks references: WAL, FULL, foreign keys", () => {
    using bench = testLedger()
    const pragma = (name: string) =>
      Object.values(rows<Record<string, unknown>>(bench.ledger, `pragma ${name}`)[0]!)[0]
    expect([pragma("journal_mode"), pragma("synchronous"), pragma("foreign_keys")]).toEqual(["wal", 2, 1])
    expect(() => bench.ledger.db.run("insert into claims values ('nobody', 't', 1, '', '')")).toThrow(
      "FOREIGN KEY",
    )
  })

  test("has only strict tables", () => {
    using bench = testLedger()
    const loose = "select name from pragma_table_list where schema = 'main' and type = 'table' and strict = 0"
    expect(rows(bench.ledger, `${loose} and name not like 'sqlite_%'`)).toEqual([])
  })

  test("cannot have a folder where a file stands", () => {
    using dir = tempDir()
    writeFileSync(dir.file("file"), "")
    const path = dir.file("file", "ledger.sqlite")
    expect(() => openLedger(path)).toThrow(LedgerUnusable)
    expect(() => openLedger(path)).toThrow(`the ledger's folder cannot be made: ${dir.file("file")}`)
  })
})

describe("A ledger opened only to read", () => {
  test("that does not exist is an empty one in memory", () => {
    using dir = tempDir()
    using ledger = openLedger(dir.file("state", "ledger.sqlite"), { readonly: true })
    expect(studyById(ledger, "any")).toBeUndefined()
    expect(progressLines(ledger)[0]).toMatchObject({ item: "studies complete", count: 0 })
    expect(readdirSync(dir.path)).toEqual([])
  })

  test("shows what was written and keeps the file as it was", () => {
    using bench = testLedger()
    bench.ledger[Symbol.dispose]()
    const before = readFileSync(bench.path)
    {
      using reader = openLedger(bench.path, { readonly: true })
      expect(reader.id).toBe(bench.ledger.id)
      expect(rows(reader, "select run_id from runs")).toEqual([{ run_id: bench.runId }])
      expect(() => newRun(reader)).toThrow(LedgerUnusable)
      expect(() => newRun(reader)).toThrow(`the ledger cannot be written: ${bench.path}`)
    }
    expect(readFileSync(bench.path).equals(before)).toBe(true)
  })

  test("sees what another connection commits", () => {
    using bench = testLedger()
    const reader = bench.reopen({ readonly: true })
    const second = newRun(bench.ledger)
    expect(rows(reader, "select max(run_id) as last from runs")).toEqual([{ last: second }])
  })

  test("keeps temporary tables of its own for a dry run", () => {
    using bench = testLedger()
    const reader = bench.reopen({ readonly: true })
    reader.db.run("create temp table met (id text)")
    expect(rows(reader, "select * from temp.met")).toEqual([])
  })
})

describe("A file that is no ledger", () => {
  test.each([true, false])("is called a folder when it is one (readonly: %p)", (readonly) => {
    using dir = tempDir()
    expect(() => openLedger(dir.path, { readonly })).toThrow(`the ledger's path is a folder: ${dir.path}`)
  })

  test.each([true, false])("is refused when it is damaged (readonly: %p)", (readonly) => {
    using dir = tempDir()
    const path = dir.file("ledger.sqlite")
    writeFileSync(path, "not a database, but long enough to be looked at as one".repeat(40))
    expect(() => openLedger(path, { readonly })).toThrow(LedgerUnusable)
    expect(() => openLedger(path, { readonly })).toThrow(`the ledger is damaged: ${path}`)
  })

  test("is refused when its pages are overwritten, with what to do about it", () => {
    using bench = testLedger()
    bench.ledger[Symbol.dispose]()
    const bytes = readFileSync(bench.path)
    writeFileSync(bench.path, bytes.fill(0x55, 100, 4096))
    const open = () => openLedger(bench.path)
    expect(open).toThrow(`the ledger is damaged: ${bench.path}`)
    expect(hintOf(open)).toContain("backup")
  })

  test("is refused when it is somebody else's database", () => {
    using dir = tempDir()
    const path = dir.file("other.sqlite")
    using other = new Database(path)
    other.run(`create table ledger (ledger_id text); pragma user_version = ${LEDGER_VERSION}`)
    expect(() => openLedger(path)).toThrow(`not a ledger: ${path}`)
  })
})

function hintOf(work: () => unknown): string | undefined {
  try {
    work()
  } catch (error) {
    if (error instanceof LedgerUnusable) return error.hint
    throw error
  }
  return undefined
}
