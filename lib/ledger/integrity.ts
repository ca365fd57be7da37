import { Database, SQLiteError } from "bun:sqlite"

/** What SQLite finds in a whole database file. */
export interface Integrity {
  /** In SQLite's words, the first few; none of a whole file. */
  readonly damage: readonly string[]
  /** Rows whose foreign key leads nowhere. */
  readonly orphans: number
}

/** More would not tell more. */
const FEW = 5

/** https://sqlite.org/pragma.html#pragma_integrity_check, which says nothing of foreign keys */
export function integrityOf(path: string): Integrity {
  try {
    using db = new Database(path, { readonly: true })
    db.run("pragma busy_timeout = 5000")
    const lines = db.query<{ integrity_check: string }, []>(`pragma integrity_check(${FEW})`).all()
    const damage = lines.map(({ integrity_check }) => integrity_check).filter((line) => line !== "ok")
    if (damage.length > 0) return { damage, orphans: 0 }
    const { orphans } = db
      .query<{ orphans: number }, []>("select count(*) as orphans from pragma_foreign_key_check")
      .get()!
    return { damage, orphans }
  } catch (error) {
    if (!(error instanceof SQLiteError)) throw error
    return { damage: [error.message], orphans: 0 }
  }
}

if (import.meta.main) console.log(JSON.stringify(integrityOf(process.argv[2] ?? "")))
