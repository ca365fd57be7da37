import { probePacs } from "../../pipeline/discover/discover.ts"
import { DatabaseError, DatabaseRefused, DatabaseUnreachable } from "../../source/errors.ts"
import { type InspectedColumn, type Inspection, inspectPacs } from "../../source/inspection.ts"
import { openPacs, type PacsSettings } from "../../source/pacs.ts"
import { type DatabaseDocument, databaseGrants, grantsOf, identifier } from "../permissions/documents.ts"
import { clockResult } from "./clock.ts"
import { type Finding, fault, faultOf, ok, type Result, unknown } from "./finding.ts"
import type { Step } from "./step.ts"

const DOCUMENTS: readonly DatabaseDocument[] = [
  "postgresql-discover.sql",
  "postgresql-copy.sql",
  "postgresql-why.sql",
]

/** Whether the PACS database lets us in, has what the queries name, lets it be read, and answers them. */
export async function checkDatabase(
  settings: PacsSettings,
  patienceMs: number,
  step: Step,
): Promise<Finding[]> {
  let inspection: Inspection | undefined
  const grants = DOCUMENTS.flatMap((name) => grantsOf(databaseGrants(name, settings.user)))
  const columns = grants.flatMap(({ table, columns }) => columns.map((column) => ({ table, column })))
  const reached = await step("database", async (signal) => {
    try {
      inspection = await inspectPacs(settings, columns, patienceMs, signal)
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      return faultOf(error, fixOf(error, settings))
    }
    const { serverVersion } = inspection
    if (isTooOld(serverVersion)) {
      return fault(
        `PostgreSQL ${serverVersion} lets ${settings.user} in, but is too old`,
        `Ask for PostgreSQL ${OLDEST} or newer: a discovery goes by the server's own hash of rows, which older ones lack.`,
      )
    }
    return ok(`PostgreSQL ${serverVersion} lets ${settings.user} in`)
  })
  const found = inspection
  if (found === undefined) return [reached]
  const tables = await step("database: tables and columns", () => checkTables(found))
  const rights = await step("database: grants", () => checkGrants(found, settings.user))
  return [
    reached,
    tables,
    rights,
    await step("database: queries", (signal) =>
      tables.state === "ok" && rights.state === "ok"
        ? checkQueries(settings, patienceMs, signal)
        : unknown("not tried: tables, columns or grants are missing"),
    ),
    await step("database: clock", () => clockResult("the database", found.skewMs)),
  ]
}

/** The first one that has `hash_record_extended`. */
const OLDEST = 14

/** @param version as `server_version` has it: `18.4 (Debian 18.4-1)`, `16beta2` */
export function isTooOld(version: string): boolean {
  return Number.parseInt(version, 10) < OLDEST
}

/** SQLSTATE (PostgreSQL documentation, appendix A) and what the system says of connections. */
const FIXES: Readonly<Record<string, string>> = {
  "28P01": "Set SOURCE_DATABASE_PASS to the password of the role in SOURCE_DATABASE_USER.",
  "28000":
    "Set SOURCE_DATABASE_USER to a role that exists, or let the server's pg_hba.conf have it in from this machine " +
    "(with TLS: SOURCE_DATABASE_SSLMODE).",
  "3D000": "Set SOURCE_DATABASE_NAME to a database of that server.",
  ENOTFOUND: "Set SOURCE_DATABASE_HOST to a name that this machine can resolve.",
}

function fixOf(error: DatabaseError, { name, user, host, port }: PacsSettings): string | undefined {
  const code = String(error.facts.code)
  if (error instanceof DatabaseRefused && code === "42501") {
    return `Let its owner run: grant connect on database ${identifier(name)} to ${identifier(user)};`
  }
  const known = FIXES[code]
  if (known !== undefined) return known
  if (!(error instanceof DatabaseUnreachable)) return undefined
  return (
    `Set SOURCE_DATABASE_HOST and SOURCE_DATABASE_PORT (now ${host} and ${port}), see that PostgreSQL runs there and ` +
    "listens to more than its own machine, and that a firewall lets this one through."
  )
}

function checkTables({ columns }: Inspection): Result {
  const tables = new Set(columns.filter(({ tableExists }) => !tableExists).map(({ table }) => table))
  const lacking = columns.filter(({ tableExists, columnExists }) => tableExists && !columnExists)
  const missing = [...tables, ...lacking.map(({ table, column }) => `${table}.${column}`)]
  if (missing.length === 0) return ok(`${new Set(columns.map(({ table }) => table)).size} tables as expected`)
  return fault(
    `missing: ${missing.join(", ")}`,
    "Set SOURCE_DATABASE_NAME to the PACS database; see that its schema is on the role's search_path and the role has " +
      "usage on it. What has another name there can be had as a view with the name that is missing.",
  )
}

function checkGrants({ columns }: Inspection, role: string): Result {
  const refused = columns.filter(({ columnExists, mayRead }) => columnExists && !mayRead)
  if (refused.length === 0) return ok("all that the scripts read")
  const isRefused = (table: string, column: string) =>
    refused.some((other) => other.table === table && other.column === column)
  const statements = DOCUMENTS.flatMap((name) => grantsOf(databaseGrants(name, role)))
    .filter(({ table, columns }) => columns.some((column) => isRefused(table, column)))
    .map(({ statement }) => statement)
  return fault(
    `may not be read: ${toldOf(refused, columns).join(", ")}`,
    ["Let the owner of these tables run:", ...statements].join("\n"),
  )
}

/** A table where none of its columns may be read, else the columns. */
function toldOf(refused: readonly InspectedColumn[], all: readonly InspectedColumn[]): string[] {
  return [...Map.groupBy(refused, ({ table }) => table)].flatMap(([table, columns]) =>
    columns.length === all.filter((other) => other.table === table).length
      ? [table]
      : columns.map(({ column }) => `${table}.${column}`),
  )
}

/** The queries themselves, about a study that does not exist: they say when a column is of another type. */
async function checkQueries(
  settings: PacsSettings,
  patienceMs: number,
  signal: AbortSignal,
): Promise<Result> {
  const limits = { connectMs: patienceMs, statementMs: patienceMs, closeMs: 0 }
  await using pacs = openPacs(settings, { limits, retry: { retries: 0, minTimeoutMs: 0 } })
  await probePacs(pacs, { requested: signal, forced: signal })
  return ok("understood")
}
