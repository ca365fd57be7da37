import postgres, { type Sql } from "postgres"
import schema from "./pacs-schema.sql" with { type: "text" }
import type { PostgresServer } from "./postgres.ts"

/** How the project is to reach a PACS database of the demo. */
export interface PacsAccess {
  readonly host: string
  readonly port: number
  readonly database: string
  /** A role that can read what the rules need and nothing else: no user's name or e-mail. */
  readonly user: string
  readonly password: string
}

const READER = "pacs_reader"

/** Makes an empty PACS database, unless it is there. Rows are for the server's own user to insert. */
export async function ensurePacsDatabase(
  server: PostgresServer,
  database: string,
  encoding: "UTF8" | "LATIN1" = "UTF8",
): Promise<PacsAccess> {
  await asAdmin(server, "postgres", async (sql) => {
    const present = await sql`select from pg_database where datname = ${database}`
    if (present.length > 0) return
    // Renamed when it is whole, so that one whose maker was killed midway is never taken for it.
    const fresh = `${database}-${crypto.randomUUID()}`
    await sql`create database ${sql(fresh)} template template0 encoding ${sql.unsafe(encoding)}`
    await asAdmin(server, fresh, (its) => createTables(its, server.password))
    await sql`alter database ${sql(fresh)} rename to ${sql(database)}`
  })
  return { host: server.host, port: server.port, database, user: READER, password: server.password }
}

/** Runs `work` on a connection of the superuser, which is closed when it is done. */
export async function asAdmin<T>(
  server: PostgresServer,
  database: string,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const { host, port, user, password } = server
  const sql = postgres({ host, port, user, password, database, max: 1, onnotice: () => {} })
  try {
    return await work(sql)
  } finally {
    await sql.end()
  }
}

async function createTables(sql: Sql, password: string): Promise<void> {
  await sql.begin(async (tx) => {
    await tx.unsafe(schema)
    const roles = await tx`select from pg_roles where rolname = ${READER}`
    if (roles.length === 0) await tx.unsafe(`create role ${READER} login password '${password}'`)
    await tx.unsafe(`
      grant select on pacs_organizations, pacs_practitioners, pacs_body_part, pacs_studies, pacs_series,
        pacs_images, pacs_reports to ${READER}`)
  })
}
