import { readFileSync } from "node:fs"
import { join } from "node:path"

/**
 * The least rights of each script, as files to hand to whoever administers the database or the clouds. Their names of
 * roles and buckets are examples, which the functions here replace.
 */
export type DatabaseDocument = `postgresql-${"discover" | "copy" | "why"}.sql`
export type GcsDocument = `gcs-${"create" | "copy" | "ingest" | "adopt" | "verify" | "prune"}.json`

const EXAMPLE_ROLE = /\bresearch_reader\b/g
const EXAMPLE_ORIGIN = /\bhospital-pacs\b/g

/** Grants for `role`, one statement a table, with comments. */
export function databaseGrants(name: DatabaseDocument, role: string): string {
  return textOf(name).replace(EXAMPLE_ROLE, () => identifier(role))
}

/** An IAM policy to read the origin's bucket. */
export function originPolicy(bucket: string): string {
  return textOf("s3-origin.json").replace(EXAMPLE_ORIGIN, () => bucket)
}

/** A custom IAM role, as `gcloud iam roles create --file` takes it. */
export function gcsRole(name: GcsDocument): string {
  return textOf(name)
}

/** One `grant` of a document: the table, its columns and the statement itself. */
export interface Grant {
  readonly table: string
  readonly columns: readonly string[]
  readonly statement: string
}

/** What a document of grants lets one select. */
export function grantsOf(document: string): Grant[] {
  return [...document.matchAll(/^grant select \(([^)]+)\)\s+on (\w+) to [^;]+;/gm)].map(
    ([statement, columns = "", table = ""]) => ({ table, columns: columns.split(/,\s*/), statement }),
  )
}

/** PostgreSQL folds what is not quoted to lower case. */
export function identifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}

function textOf(name: string): string {
  return readFileSync(join(import.meta.dir, name), "utf8").trimEnd()
}
