import { expect, test } from "bun:test"
import { readHistory } from "../../../lib/page/views/history/read.ts"
import { readNow } from "../../../lib/page/views/now/read.ts"
import type { TestLedger } from "../../support/ledger.ts"
import { packingLedger } from "../../support/packing-ledger.ts"
import { pageConfig } from "../access/pages.ts"

/** Tables that grow with the number of studies; all others have some rows for each hour, run or process. */
const LARGE = ["studies", "objects", "copy_attempts", "standings", "cod_series", "cod_instances", "cod_locks"]

/** Every statement that is prepared meanwhile. */
function statementsOf({ ledger }: TestLedger, work: () => unknown): string[] {
  const { db } = ledger
  const seen = new Set<string>()
  const query = db.query.bind(db)
  db.query = ((sql: string) => {
    seen.add(sql)
    return query(sql)
  }) as typeof db.query
  try {
    work()
  } finally {
    db.query = query
  }
  return [...seen]
}

/** Steps that read a large table from its beginning to its end, whatever its name within the statement. */
function fullScans({ ledger }: TestLedger, sql: string): string[] {
  const steps = ledger.db.query<{ detail: string }, []>(`explain query plan ${sql}`).all()
  return steps
    .map(({ detail }) => detail)
    .filter((step) => step.startsWith("SCAN ") && !step.includes("INDEX"))
    .filter((step) => {
      const name = step.split(" ")[1]!
      const table = new RegExp(`(\\w+) (?:as )?${name}\\b`).exec(
        sql.replace(/\b(?:from|join|select)\b/g, ","),
      )?.[1]
      return [name, table].some((one) => one !== undefined && LARGE.includes(one))
    })
}

test.each([
  ["Now", readNow, 15],
  ["History", readHistory, 6],
] as const)("%s reads no large table from its beginning to its end", (_, read, least) => {
  using bench = packingLedger()
  const { ledger, clock } = bench
  const config = pageConfig({}, bench)
  const statements = statementsOf(bench, () => read({ ledger, config, clock }))
  expect(statements.length).toBeGreaterThanOrEqual(least)
  for (const sql of statements) expect({ sql, scans: fullScans(bench, sql) }).toEqual({ sql, scans: [] })
})

test("A scan of a large table would be seen", () => {
  using bench = packingLedger()
  for (const sql of [
    "select count(*) from objects o where o.size > 3",
    "select * from studies where seconds > 3",
    "select * from claims c join cod_series s on s.tries > 3",
  ])
    expect(fullScans(bench, sql)).not.toEqual([])
})
