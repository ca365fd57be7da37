import type { Database } from "bun:sqlite"
import { InvalidIndex } from "../errors.ts"

/**
 * The rows of a table that has exactly one of these sets of columns, without any order, one at a time.
 *
 * @throws InvalidIndex when the table is another, or is more than its file can hold
 */
export type Rows = (table: string, ...columns: readonly (readonly string[])[]) => Iterable<readonly unknown[]>

/**
 * What the file says of itself (SQLite file format, section 1.3): its magic string, and 1 twice for a rollback
 * journal.
 *
 * @throws InvalidIndex
 */
export function checkHeader(bytes: Uint8Array): void {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 100))
  if (header.length < 100 || header.toString("latin1", 0, 16) !== "SQLite format 3\0") {
    throw new InvalidIndex("the index is no SQLite database")
  }
  if (header[18] !== 1 || header[19] !== 1) {
    throw new InvalidIndex("the index waits for a write-ahead log, which no reader of tars has")
  }
}

/**
 * The names of all plain tables: asking a view or a virtual table would compute rows, perhaps for ever.
 * `checkSchemaPages` comes before.
 */
export function tablesIn(db: Database): ReadonlySet<string> {
  for (const guard of GUARDS) db.run(guard)
  using schema = db.prepare("select name, sql from sqlite_schema where type = 'table'")
  // SQLite has made sure that type and name are those of the statement, but for a virtual table's.
  const plain = schema.values().filter(([, sql]) => /^create table /i.test(String(sql)))
  return new Set(plain.map(([name]) => String(name)))
}

/** Functions in a foreign schema are not trusted, and every cell is checked before it is followed. */
const GUARDS = ["pragma trusted_schema = off", "pragma cell_size_check = on", "pragma query_only = on"]

/** Reads tables of a database of `bytes`, of those that `tablesIn` tells. */
export function rowsOf(db: Database, bytes: number): Rows {
  return function* (table, ...columns) {
    const names = columnsOf(db, table)
    const known = columns.find((some) => some.join() === names.join())
    if (known === undefined) throw new InvalidIndex(`the index's table \`${table}\` has other columns`)
    // Pages that point to each other make rows without end out of a small file; honest rows each have their place.
    let left = bytes
    using select = db.prepare(
      `select ${known.map((name) => `"${name}"`).join(", ")} from main."${table}" not indexed`,
    )
    for (const row of select.iterate()) {
      const values = Object.values(row as object)
      left -= ROW_BYTES + values.reduce((sum, value) => sum + lengthOf(value), 0)
      if (left < 0) throw new InvalidIndex("the index's rows are more than its bytes")
      yield values
    }
  }
}

/** Of any row: its place in the page's list, its length, its number. */
const ROW_BYTES = 4

function columnsOf(db: Database, table: string): string[] {
  using info = db.prepare("select name, hidden from pragma_table_xinfo(?)")
  return info.values(table).map(([name, hidden]) => {
    if (hidden !== 0) throw new InvalidIndex(`the index computes columns of \`${table}\``)
    return String(name)
  })
}

function lengthOf(value: unknown): number {
  return typeof value === "string" || value instanceof Uint8Array ? value.length : 0
}
