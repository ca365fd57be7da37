import type { Database } from "bun:sqlite"
import type { Ledger } from "./open.ts"
import type { TotalName } from "./tally.ts"

export interface Total {
  readonly count: number
  readonly bytes: number
}

/** The totals as they stand, by name. */
export function readTotals(db: Database): Map<TotalName, Total> {
  const rows = db.query<{ name: string; count: number; bytes: number }, []>(
    "select name, count, bytes from totals",
  )
  return new Map(rows.all().map(({ name, count, bytes }) => [name, { count, bytes }]))
}

export interface WrongTotal {
  /** `objects.copied` for a count, `objects.copied.bytes` for bytes. */
  readonly name: string
  readonly kept: number
  readonly counted: number
}

/** Totals that differ from the rows; none, unless somebody changed the file by hand. Full scans. */
export function wrongTotals(ledger: Ledger): WrongTotal[] {
  return ledger.read(() => {
    const kept = readTotals(ledger.db)
    const counted = countTotals(ledger.db)
    return [...new Set([...kept.keys(), ...counted.keys()])].sort().flatMap((name) => {
      const { count = 0, bytes = 0 } = kept.get(name) ?? {}
      const now = counted.get(name) ?? { count: 0, bytes: 0 }
      return [
        { name, kept: count, counted: now.count },
        { name: `${name}.bytes`, kept: bytes, counted: now.bytes },
      ].filter((total) => total.kept !== total.counted)
    })
  })
}

/** Makes the totals what the rows say. */
export function repairTotals(ledger: Ledger) {
  ledger.write((tally) => {
    ledger.db.run("delete from totals")
    for (const [name, { count, bytes }] of countTotals(ledger.db)) tally.add(name, count, bytes)
  })
}

function countTotals(db: Database): Map<TotalName, Total> {
  const rows = db.query<{ name: string; count: number; bytes: number }, []>(
    `select 'studies.' || standing as name, count(*) as count, 0 as bytes from studies group by standing
     union all select 'objects.' || state, count(*), coalesce(sum(size) filter (where state = 'copied'), 0) from objects group by state
     union all select 'complete', count(*), 0 from studies where completed_at is not null
     union all select 'due', count(*), 0 from studies where due = 1
     union all select 'series.' || state, count(*), 0 from cod_series group by state
     union all select 'instances.' || result, count(*), 0 from cod_instances where result is not null group by result`,
  )
  return new Map(rows.all().map(({ name, count, bytes }) => [name, { count, bytes }]))
}
