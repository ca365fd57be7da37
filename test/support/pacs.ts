import { afterAll } from "bun:test"
import postgres, { type Sql } from "postgres"
import { asAdmin, ensurePacsDatabase } from "../../lib/demo/pacs-database.ts"
import { emptyPacs, insertRows, type PacsRows } from "../../lib/demo/pacs-rows.ts"
import { type PostgresServer, startPostgres } from "../../lib/demo/postgres.ts"
import type { PacsSettings } from "../../lib/source/pacs.ts"

/** A PACS database of a test's own. */
export interface TestPacs extends AsyncDisposable {
  /** For the role that the project is to use: it may read, and no names or e-mails. */
  readonly settings: PacsSettings
  /** As the database's owner. */
  readonly sql: Sql
  insert(rows: Partial<PacsRows>): Promise<void>
  /** Removes every row. */
  clear(): Promise<void>
}

/** In the order in which foreign keys allow rows to be deleted. */
const TABLES = Object.keys(emptyPacs()).reverse()

let server: Promise<PostgresServer> | undefined
let databases = 0

/** One server for the tests of a file, or of all files where they share their modules; the first need starts it. */
export function testServer(): Promise<PostgresServer> {
  server ??= startPostgres()
  return server
}

afterAll(async () => {
  await (await server)?.stop()
  server = undefined
})

/** A fresh PACS database without rows, dropped when the test is done with it. */
export async function testPacs(encoding: "UTF8" | "LATIN1" = "UTF8"): Promise<TestPacs> {
  const own = await testServer()
  const { database, ...access } = await ensurePacsDatabase(own, `pacs ${++databases}`, encoding)
  const { host, port, user, password } = own
  const sql = postgres({ host, port, user, password, database, onnotice: () => {} })
  return {
    settings: { ...access, name: database, sslMode: "prefer" },
    sql,
    insert: (rows) => insertRows(sql, rows),
    async clear() {
      // Truncating would make new files for each table and index, which takes longer than what is tested.
      await sql.unsafe(TABLES.map((table) => `delete from ${table};`).join(""))
    },
    async [Symbol.asyncDispose]() {
      await sql.end({ timeout: 5 })
      await asAdmin(own, "postgres", (admin) => admin`drop database ${admin(database)} with (force)`)
    },
  }
}
