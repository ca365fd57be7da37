import { describe, expect, test } from "bun:test"
import { claimStudy } from "../../lib/ledger/claims.ts"
import type { Ledger } from "../../lib/ledger/open.ts"
import { recordStudy } from "../../lib/ledger/studies.ts"
import type { Tally } from "../../lib/ledger/tally.ts"
import { readTotals, repairTotals, wrongTotals } from "../../lib/ledger/totals.ts"
import { chestStudy, rows, testLedger } from "../support/ledger.ts"

const note = (ledger: Ledger, text: string) => (tally: Tally) => {
  ledger.db.query("insert into rules values (?, '')").run(text)
  tally.add("noted", 1, 10)
  tally.moved("2026-03-01T02:15:00.000Z", { copied: 1, bytes: 10 })
}

const noted = (ledger: Ledger) =>
  rows<{ hash: string }>(ledger, "select rules_hash as hash from rules where rules_text = '' order by 1").map(
    ({ hash }) => hash,
  )

class Refused extends Error {}

function refuse(): never {
  throw new Refused()
}

describe("A write", () => {
  test("returns what its work returns", () => {
    using bench = testLedger()
    expect(bench.ledger.write(() => 7)).toBe(7)
  })

  test("is seen by others only as a whole", () => {
    using bench = testLedger()
    const other = bench.reopen()
    bench.ledger.write((tally) => {
      note(bench.ledger, "a")(tally)
      expect(noted(other)).toEqual([])
      note(bench.ledger, "b")(tally)
    })
    expect(noted(other)).toEqual(["a", "b"])
    expect(readTotals(other.db).get("noted")).toEqual({ count: 2, bytes: 20 })
  })

  test("that throws leaves nothing, neither rows nor totals", () => {
    using bench = testLedger()
    const { ledger } = bench
    const broken = () =>
      ledger.write((tally) => {
        note(ledger, "a")(tally)
        refuse()
      })
    expect(broken).toThrow(Refused)
    expect(noted(ledger)).toEqual([])
    expect(readTotals(ledger.db).get("noted")).toBeUndefined()
    ledger.write(note(ledger, "b"))
    expect(noted(ledger)).toEqual(["b"])
  })

  test("takes the write lock before it reads", () => {
    using bench = testLedger()
    const other = bench.reopen({ busyTimeoutMs: 0 })
    bench.ledger.write(() => {
      expect(() => other.write(() => undefined)).toThrow("another process holds the ledger")
    })
  })

  test("does not keep others from reading", () => {
    using bench = testLedger()
    const other = bench.reopen({ busyTimeoutMs: 0 })
    bench.ledger.write(() => expect(other.read(() => noted(other))).toEqual([]))
  })
})

describe("A write within a write", () => {
  test("stands with the outer one", () => {
    using bench = testLedger()
    const { ledger } = bench
    ledger.write((tally) => {
      note(ledger, "a")(tally)
      ledger.write(note(ledger, "b"))
    })
    expect(noted(ledger)).toEqual(["a", "b"])
    expect(readTotals(ledger.db).get("noted")).toEqual({ count: 2, bytes: 20 })
  })

  test("falls with the outer one", () => {
    using bench = testLedger()
    const { ledger } = bench
    const broken = () =>
      ledger.write(() => {
        ledger.write(note(ledger, "a"))
        refuse()
      })
    expect(broken).toThrow(Refused)
    expect(noted(ledger)).toEqual([])
    expect(readTotals(ledger.db).get("noted")).toBeUndefined()
  })

  test("that throws takes the outer one with it, although that goes on", () => {
    using bench = testLedger()
    const { ledger } = bench
    const goesOn = () =>
      ledger.write((tally) => {
        note(ledger, "a")(tally)
        const broken = () =>
          ledger.write((inner) => {
            note(ledger, "b")(inner)
            refuse()
          })
        expect(broken).toThrow(Refused)
        ledger.write(note(ledger, "c"))
      })
    expect(goesOn).toThrow(Refused)
    expect(noted(ledger)).toEqual([])
    ledger.write(note(ledger, "d"))
    expect(noted(ledger)).toEqual(["d"])
    expect(readTotals(ledger.db).get("noted")).toEqual({ count: 1, bytes: 10 })
    expect(rows(ledger, "select hour, copied, bytes from hourly")).toEqual([
      { hour: "2026-03-01T02", copied: 1, bytes: 10 },
    ])
  })
})

describe("A read", () => {
  test("sees one moment, whatever is committed meanwhile", () => {
    using bench = testLedger()
    const { ledger } = bench
    const other = bench.reopen()
    ledger.read(() => {
      expect(noted(ledger)).toEqual([])
      other.write(note(other, "a"))
      expect(noted(ledger)).toEqual([])
    })
    expect(noted(ledger)).toEqual(["a"])
  })

  test("within a write sees what was written", () => {
    using bench = testLedger()
    const { ledger } = bench
    ledger.write((tally) => {
      note(ledger, "a")(tally)
      expect(ledger.read(() => noted(ledger))).toEqual(["a"])
    })
  })
})

describe("Totals", () => {
  test("changed by hand are found and mended", () => {
    using bench = testLedger()
    const { ledger } = bench
    recordStudy(ledger, chestStudy("a"), bench.cohortId)
    claimStudy(ledger, bench.runId, "a")
    expect(wrongTotals(ledger)).toEqual([])
    ledger.db.run("update totals set count = 9, bytes = 5 where name = 'objects.pending'")
    ledger.db.run("delete from totals where name = 'due'")
    expect(wrongTotals(ledger)).toEqual([
      { name: "due", kept: 0, counted: 1 },
      { name: "objects.pending", kept: 9, counted: 4 },
      { name: "objects.pending.bytes", kept: 5, counted: 0 },
    ])
    repairTotals(ledger)
    expect(wrongTotals(ledger)).toEqual([])
    expect(readTotals(ledger.db).get("objects.pending")).toEqual({ count: 4, bytes: 0 })
  })
})
