import { Database } from "bun:sqlite"
import { CODError, InvalidIndex, TooLarge } from "../errors.ts"
import type { TarIndex, TarStats } from "./index-member.ts"
import { isFolder, memberOf } from "./row.ts"
import { FILES_0_5, FILES_0_7, METADATA, VERSIONS } from "./schema.ts"
import { checkSchemaPages } from "./schema-pages.ts"
import { checkHeader, type Rows, rowsOf, tablesIn } from "./untrusted.ts"

/** Rows of a series' index take some 300 bytes each. */
export const MAX_INDEX_BYTES = 64 << 20

/**
 * Reads an index.sqlite of ratarmount's formats 0.5.0 (13 columns) and 0.7.0 (15), with or without what its own
 * readers do without: versions, metadata, rows of folders. Nothing in the file is executed.
 *
 * @throws InvalidIndex whenever it is anything else, TooLarge
 */
export function readIndex(bytes: Uint8Array): TarIndex {
  if (bytes.length > MAX_INDEX_BYTES) throw new TooLarge("an index.sqlite", MAX_INDEX_BYTES)
  checkHeader(bytes)
  checkSchemaPages(bytes)
  try {
    using db = Database.deserialize(bytes, { readonly: true, strict: true })
    return readTables(rowsOf(db, bytes.length), tablesIn(db))
  } catch (error) {
    if (error instanceof CODError) throw error
    throw new InvalidIndex("the index cannot be read by SQLite", { cause: error })
  }
}

function readTables(rows: Rows, tables: ReadonlySet<string>): TarIndex {
  if (!tables.has("files")) throw new InvalidIndex("the index has no table `files`")
  if (tables.has("filestmp") || tables.has("parentfolders")) {
    throw new InvalidIndex("the index was never finished")
  }
  const all = [...rows("files", FILES_0_5, FILES_0_7)].map(memberOf)
  const metadata = tables.has("metadata") ? keyed(rows("metadata", METADATA)) : new Map<string, string>()
  const versions = tables.has("versions") ? keyed(rows("versions", VERSIONS)) : new Map<string, string>()
  return {
    version: versions.get("index"),
    members: all.filter((member) => !isFolder(member)),
    folders: all.filter(isFolder).map(({ name }) => name),
    metadata,
    tar: tarStatsOf(metadata.get("tarstats")),
  }
}

/** First two columns; the first row of a key counts. */
function keyed(rows: Iterable<readonly unknown[]>): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, value] of rows) {
    if (typeof key !== "string" || typeof value !== "string") {
      throw new InvalidIndex("the index says something of itself that is no text")
    }
    if (!found.has(key)) found.set(key, value)
  }
  return found
}

function tarStatsOf(json: string | undefined): Partial<TarStats> {
  const stats: unknown = JSON.parse(json ?? "{}")
  if (typeof stats !== "object" || stats === null) throw new InvalidIndex("the index's tarstats are none")
  const size = "st_size" in stats ? stats.st_size : undefined
  const mtime = "st_mtime" in stats ? stats.st_mtime : undefined
  return {
    ...(typeof size === "number" && { size }),
    ...(typeof mtime === "number" && { mtime }),
  }
}
