import { describe, expect, test } from "bun:test"
import { LedgerUnusable } from "../../lib/ledger/errors.ts"
import { groupCommit } from "../../lib/ledger/group-commit.ts"
import type { Ledger } from "../../lib/ledger/open.ts"
import type { Tally } from "../../lib/ledger/tally.ts"
import { readTotals } from "../../lib/ledger/totals.ts"
import { rows, testLedger } from "../support/ledger.ts"

const note =
  (ledger: Ledger, id: number, text = "") =>
  (tally: Tally) => {
    ledger.db.query("insert into rules values (?, ?)").run(`noted ${id}`, text)
    tally.add("noted", 1)
  }

/** Ids of what was noted; any of them below ten, for they come in the order of their digits. */
const noted = (ledger: Ledger) =>
  rows<{ id: number }>(
    ledger,
    "select cast(substr(rules_hash, 7) as integer) as id from rules where rules_hash like 'noted %'",
  ).map(({ id }) => id)

const ends = async (writes: readonly Promise<void>[]) =>
  (await Promise.allSettled(writes)).map(({ status }) => status)

describe("Writes that are committed together", () => {
  test("are on disk, for every connection, when their promises resolve", async () => {
    using bench = testLedger()
    const other = bench.reopen({ readonly: true })
    const commits = groupCommit(bench.ledger)
    const seen = [1, 2, 3].map((id) =>
      commits.add(note(bench.ledger, id)).then(() => expect(noted(other)).toEqual([1, 2, 3])),
    )
    expect(noted(other)).toEqual([])
    await Promise.all(seen)
    expect(readTotals(other.db).get("noted")).toEqual({ count: 3, bytes: 0 })
  })

  test("happen in the order in which they were asked for, and resolve in it", async () => {
    using bench = testLedger()
    const commits = groupCommit(bench.ledger)
    const written: number[] = []
    const resolved: number[] = []
    const ids = Array.from({ length: 150 }, (_, index) => index)
    const add = async (id: number) => {
      await commits.add(() => void written.push(id))
      resolved.push(id)
    }
    await Promise.all(ids.map(add))
    expect(written).toEqual(ids)
    expect(resolved).toEqual(ids)
  })

  test("cost one commit, not one each", async () => {
    using bench = testLedger()
    const commits = groupCommit(bench.ledger)
    const watcher = bench.reopen()
    const version = () => rows<{ data_version: number }>(watcher, "pragma data_version")[0]!.data_version
    const before = version()
    await Promise.all([1, 2, 3, 4].map((id) => commits.add(note(bench.ledger, id))))
    expect(version() - before).toBe(1)
  })

  test("of a full batch do not wait for a timer", () => {
    using bench = testLedger()
    const other = bench.reopen({ readonly: true })
    const commits = groupCommit(bench.ledger)
    for (let id = 10; id < 10 + 64; id++) void commits.add(note(bench.ledger, id))
    expect(noted(other)).toHaveLength(64)
  })

  test("stand although one of them fails, which is rolled back and rejected alone", async () => {
    using bench = testLedger()
    const { ledger } = bench
    const commits = groupCommit(ledger)
    const broken = (tally: Tally) => {
      note(ledger, 8)(tally)
      throw new Error("of its own making")
    }
    const writes = [commits.add(note(ledger, 1)), commits.add(broken), commits.add(note(ledger, 2))]
    expect(await ends(writes)).toEqual(["fulfilled", "rejected", "fulfilled"])
    await expect(writes[1]).rejects.toThrow("of its own making")
    expect(noted(ledger)).toEqual([1, 2])
    expect(readTotals(ledger.db).get("noted")).toEqual({ count: 2, bytes: 0 })
  })

  test("fail together when the disk is full, and leave neither rows nor totals", async () => {
    using bench = testLedger()
    const { ledger } = bench
    const commits = groupCommit(ledger)
    const [{ page_count }] = rows<{ page_count: number }>(ledger, "pragma page_count") as [
      { page_count: number },
    ]
    ledger.db.run(`pragma max_page_count = ${page_count}`)
    const writes = [
      commits.add(note(ledger, 1)),
      commits.add(note(ledger, 2, "x".repeat(100_000))),
      commits.add(note(ledger, 3)),
    ]
    expect(await ends(writes)).toEqual(["rejected", "rejected", "rejected"])
    for (const write of writes) await expect(write).rejects.toThrow(LedgerUnusable)
    expect(noted(ledger)).toEqual([])
    expect(readTotals(ledger.db).get("noted")).toBeUndefined()
    await commits.add(note(ledger, 4))
    expect(noted(ledger)).toEqual([4])
  })

  test("fail together when another process holds the ledger", async () => {
    using bench = testLedger()
    const impatient = bench.reopen({ busyTimeoutMs: 0 })
    const commits = groupCommit(impatient)
    const writes = [commits.add(note(impatient, 1)), commits.add(note(impatient, 2))]
    bench.ledger.db.run("begin immediate")
    expect(await ends(writes)).toEqual(["rejected", "rejected"])
    bench.ledger.db.run("rollback")
    await expect(writes[0]).rejects.toThrow("another process holds the ledger")
    expect(noted(bench.ledger)).toEqual([])
  })
})
