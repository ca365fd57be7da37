import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { chmodSync, readFileSync } from "node:fs"
import { beginAttempts, settleObject } from "../../lib/ledger/attempts.ts"
import { claimNext } from "../../lib/ledger/claims.ts"
import { LedgerBusy, LedgerUnusable } from "../../lib/ledger/errors.ts"
import { LEDGER_VERSION } from "../../lib/ledger/migrate.ts"
import { objectsOf } from "../../lib/ledger/objects.ts"
import { type Ledger, openLedger } from "../../lib/ledger/open.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import { wrongTotals } from "../../lib/ledger/totals.ts"
import { verdictOf } from "../../lib/support/errors.ts"
import { chestStudy, image, mustClaim, newCohort, newRun, rows, testLedger } from "../support/ledger.ts"
import { asOrdinaryUser } from "../support/privileges.ts"
import { tempDir } from "../support/temp.ts"
import { tinyDisk } from "../support/tiny-disk.ts"

describe("A ledger that may not be written", () => {
  test("in a folder that may not be written is refused when it is opened", () => {
    using bench = testLedger()
    bench.ledger[Symbol.dispose]()
    chmodSync(bench.dir.path, 0o755)
    chmodSync(bench.dir.file("state"), 0o555)
    chmodSync(bench.path, 0o444)
    const open = () => asOrdinaryUser(() => openLedger(bench.path))
    expect(open).toThrow(LedgerUnusable)
    expect(open).toThrow(`the ledger cannot be written: ${bench.path}`)
    chmodSync(bench.dir.file("state"), 0o700)
  })

  test("in a folder that may be written is refused before the first run is recorded", () => {
    using bench = testLedger()
    bench.ledger[Symbol.dispose]()
    chmodSync(bench.dir.path, 0o755)
    chmodSync(bench.dir.file("state"), 0o777)
    chmodSync(bench.path, 0o444)
    const before = readFileSync(bench.path)
    const start = () =>
      asOrdinaryUser(() => {
        using ledger = openLedger(bench.path)
        newRun(ledger)
      })
    expect(start).toThrow(`the ledger cannot be written: ${bench.path}`)
    expect(readFileSync(bench.path).equals(before)).toBe(true)
  })

  test("that may not even be read is refused", () => {
    using bench = testLedger()
    bench.ledger[Symbol.dispose]()
    chmodSync(bench.dir.path, 0o755)
    chmodSync(bench.path, 0o000)
    const open = () => asOrdinaryUser(() => openLedger(bench.path, { readonly: true }))
    expect(open).toThrow(LedgerUnusable)
  })

  test("cannot be made in a folder that may not be written", () => {
    using dir = tempDir()
    chmodSync(dir.path, 0o555)
    const open = (path: string) => () => asOrdinaryUser(() => openLedger(path))
    expect(open(dir.file("ledger.sqlite"))).toThrow(
      `the ledger cannot be opened: ${dir.file("ledger.sqlite")}`,
    )
    expect(open(dir.file("state", "ledger.sqlite"))).toThrow("the ledger's folder cannot be made")
    chmodSync(dir.path, 0o700)
  })
})

const LARGE = chestStudy("large", { objects: Array.from({ length: 400 }, (_, index) => image(`i${index}`)) })

describe("A ledger whose disk is full", () => {
  /** From now on SQLite may add no page to the file, which it reports as it reports a full disk. */
  const fill = (ledger: Ledger) => {
    const [count] = rows<{ page_count: number }>(ledger, "pragma page_count")
    ledger.db.run(`pragma max_page_count = ${count!.page_count}`)
  }

  test("refuses the write, says so, and holds nothing of it", () => {
    using bench = testLedger()
    fill(bench.ledger)
    const record = () => recordStudy(bench.ledger, LARGE, bench.cohortId)
    expect(record).toThrow(LedgerUnusable)
    expect(record).toThrow(`no space left for the ledger: ${bench.path}`)
    expect(verdictOf(thrownBy(record))).toBe("stop")
    expect(rows(bench.ledger, "select study_id from studies")).toEqual([])
    expect(wrongTotals(bench.ledger)).toEqual([])
  })

  test("goes on once there is room again", () => {
    using bench = testLedger()
    fill(bench.ledger)
    expect(() => recordStudy(bench.ledger, LARGE, bench.cohortId)).toThrow(LedgerUnusable)
    bench.ledger.db.run("pragma max_page_count = 100000")
    expect(recordStudy(bench.ledger, LARGE, bench.cohortId)).toBe("new")
    expect(wrongTotals(bench.ledger)).toEqual([])
  })

  // The real thing: a file system of its own that has no block left.
  test.skipIf(!tinyDisk.isPossible)("keeps what was committed and records nothing by halves", () => {
    using disk = tinyDisk.mount(1024 * 1024)
    const path = `${disk.path}/ledger.sqlite`
    const done = fillDiskWithStudies(path)
    expect(done).toBeGreaterThan(0)
    disk.grow(8 * 1024 * 1024)
    using ledger = openLedger(path)
    expect(rows(ledger, "pragma integrity_check")).toEqual([{ integrity_check: "ok" }])
    expect(rows(ledger, "select count(*) as studies from studies")).toEqual([{ studies: done }])
    expect(rows(ledger, "select count(*) as objects from objects")).toEqual([{ objects: 4 * done }])
    expect(wrongTotals(ledger)).toEqual([])
  })
})

describe("A ledger that another process holds", () => {
  test("ends a write with LedgerBusy after the busy timeout, and the write can be repeated", () => {
    using bench = testLedger()
    recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
    const impatient = bench.reopen({ busyTimeoutMs: 1 })
    const rival = new Database(bench.path)
    rival.run("begin immediate")
    const claim = () => claimNext(impatient, bench.runId)
    expect(claim).toThrow(LedgerBusy)
    expect(claim).toThrow(`another process holds the ledger: ${bench.path}`)
    rival.run("rollback")
    rival.close()
    expect(claim()?.studyId).toBe("a")
  })

  test("ends a migration with LedgerBusy, and can still be read", () => {
    using bench = testLedger()
    using rival = new Database(bench.path)
    rival.run("pragma user_version = 1; begin immediate")
    expect(() => openLedger(bench.path, { busyTimeoutMs: 1 })).toThrow(LedgerBusy)
    rival.run(`rollback; pragma user_version = ${LEDGER_VERSION}; begin immediate`)
    expect(bench.reopen({ readonly: true, busyTimeoutMs: 1 }).id).toBe(bench.ledger.id)
  })
})

test("A defect of the program is not taken for trouble with the file", () => {
  using bench = testLedger()
  recordStudy(bench.ledger, chestStudy("a"), bench.cohortId)
  const claim = mustClaim(bench.ledger, bench.runId, "a")
  const [attempt] = beginAttempts(bench.ledger, claim, objectsOf(bench.ledger, "a"))
  const broken = {
    outcome: "copied",
    size: 1,
    crc32c: null as unknown as string,
    generation: "1",
    bytes: 1.5,
  } as const
  const settle = () =>
    bench.ledger.write((tally) => settleObject(bench.ledger, tally, claim, attempt!, broken))
  expect(settle).toThrow("cannot store REAL value in INTEGER column")
  expect(settle).not.toThrow(LedgerUnusable)
})

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

/** Records studies until the disk is full. @returns how many were recorded */
function fillDiskWithStudies(path: string): number {
  using ledger = openLedger(path)
  const cohortId = newCohort(ledger, newRun(ledger))
  for (let done = 0; ; done++) {
    try {
      recordStudy(ledger, chestStudy(`study-${done}`), cohortId)
    } catch (error) {
      expect(error).toBeInstanceOf(LedgerUnusable)
      expect((error as Error).message).toBe(`no space left for the ledger: ${path}`)
      return done
    }
  }
}
