import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { LedgerUnusable } from "../../lib/ledger/errors.ts"
import { copyStudies } from "../../lib/pipeline/copy/copy.ts"
import { failureOf } from "../contract/bodies.ts"
import { openHospital } from "../support/hospital.ts"

describe("a ledger that cannot be used", () => {
  test.each([
    [
      "is newer than the program",
      (path: string) => edit(path, "pragma user_version = 99"),
      "newer than this program",
    ],
    [
      "is damaged",
      (path: string) => Bun.write(path, "SQLite format 3\0 and then nothing of it".repeat(200)),
      "damaged",
    ],
    ["is something else", (path: string) => Bun.write(path, "my shopping list ".repeat(50)), "damaged"],
  ] as const)("stops every script before any work: it %s", async (_, spoil, told) => {
    using hospital = await openHospital()
    await hospital.admit()
    await hospital.discover()
    await spoil(hospital.ledgerPath)
    hospital.cloud.log.clear()
    for (const step of [hospital.run, hospital.copy, hospital.discover, hospital.verify]) {
      const error = await failureOf(step())
      expect(error).toBeInstanceOf(LedgerUnusable)
      expect((error as Error).message).toContain(told)
    }
    expect(hospital.cloud.log.entries.filter(({ operation }) => operation !== "gcs.list")).toEqual([])
  })

  test("because its disk is full stops the work that is under way; nothing is recorded by halves", async () => {
    using hospital = await openHospital()
    const study = await hospital.admit({
      images: Array.from({ length: 200 }, (_, n) => ({ instance_number: n })),
    })
    await hospital.discover()
    const never = new AbortController().signal
    const error = await failureOf(
      hospital.withDeps(async (deps) => {
        const { page_count } = deps.ledger.db.query<{ page_count: number }, []>("pragma page_count").get()!
        deps.ledger.db.run(`pragma max_page_count = ${page_count + 2}`)
        return copyStudies(deps, { concurrency: 1 }, { requested: never, forced: never })
      }),
    )
    expect(error).toBeInstanceOf(LedgerUnusable)
    expect((error as Error).message).toContain("no space left for the ledger")
    expect(hospital.cloud.keys(hospital.destination).length).toBeLessThan(200)
    expect(hospital.rows("pragma integrity_check")).toEqual([{ integrity_check: "ok" }])
    const before = hospital.cloud.log.count({ effect: "created" })
    expect((await hospital.copy()).studies[0]).toMatchObject({ success: true, errors: [] })
    const created = hospital.cloud.log.entries.flatMap(({ effect, key }) =>
      effect === "created" ? [key!] : [],
    )
    expect(before).toBeGreaterThan(0)
    expect(new Set(created).size).toBe(created.length)
    expect(created).toContain(study.receiptKey)
    expect((await hospital.verify()).code).toBe(0)
  })
})

function edit(path: string, statement: string) {
  using db = new Database(path)
  db.run(statement)
}
