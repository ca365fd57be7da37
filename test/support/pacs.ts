import { afterAll } from "bun:test"
import postgres, { type Sql } from "postgres"
import { ensurePacsDatabase } from "../../lib/demo/pacs-database.ts"
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

let running: Promise<PostgresServer> | undefined
let databases = 0

/** One server for the tests of a file, or of all files that share their modules; the first need starts it. */
function testServer(): Promise<PostgresServer> {
  running ??= startPostgres()
  return running
}

afterAll(async () => {
  await (await running)?.stop()
  running = undefined
})

/** A fresh PACS database without rows; it goes with the server. */
export async function testPacs(encoding: "UTF8" | "LATIN1" = "UTF8"): Promise<TestPacs> {
  return await openTestPacs(await testServer(), `pacs ${++databases}`, encoding)
}

/** A PACS database by name, made when missing. */
export async function openTestPacs(
  server: PostgresServer,
  name: string,
  encoding: "UTF8" | "LATIN1" = "UTF8",
): Promise<TestPacs> {
  const { database, ...access } = await ensurePacsDatabase(server, name, encoding)
  const { host, port, user, password } = server
  const sql = postgres({ host, port, user, password, database, onnotice: () => {} })
  return {
    settings: { ...access, name: database, sslMode: "prefer" },
    sql,
    insert: (rows) => insertRows(sql, rows),
    async clear() {
      // Truncating would make new files for each table and index, which takes longer than what is tested.
      await sql.unsafe(TABLES.map((table) => `delete from ${table};`).join(""))
    },
    [Symbol.asyncDispose]: () => sql.end({ timeout: 5 }),
  }
}
