import { Database } from "bun:sqlite"
import { stringifyJson } from "../json.ts"
import type { TarMember, TarType } from "../tar/member.ts"
import type { TarStats } from "./index-member.ts"
import { FILES_0_7, TABLES } from "./schema.ts"

/**
 * An index.sqlite in ratarmount's format 0.7.0 of these members of a tar, in their order there; the tar need not be
 * written yet (`placeEntry`). Pass no members that stand behind the end blocks: readers of tars do not see them.
 */
export function buildIndex(members: Iterable<TarMember>, tar: TarStats): Uint8Array {
  // One page size everywhere, and no other journal than the one that any reader can open read-only.
  using db = new Database(":memory:", { strict: true })
  db.run("pragma page_size = 4096")
  db.run(TABLES)
  db.transaction(() => {
    insertMembers(db, members)
    insertAbout(db, tar)
  })()
  return db.serialize()
}

function insertMembers(db: Database, members: Iterable<TarMember>): void {
  using insert = db.prepare(`insert into files values (${FILES_0_7.map(() => "?").join(", ")})`)
  const missing = new Map<string, TarMember>()
  const present = new Set<string>()
  for (const member of members) {
    const { folder, name } = splitName(member.name)
    insert.run(folder, name, ...fieldsOf(member))
    if (member.type === "directory") present.add(`/${member.name}`)
    if (missing.has(folder)) continue
    for (const parent of parentsOf(folder)) {
      if (!missing.has(parent)) missing.set(parent, member)
    }
  }
  // Last: a folder has the offset of its first member, and readers take the lowest row of the largest offset for
  // the last member of the tar.
  for (const [parent, { headerStart, start }] of missing) {
    if (present.has(parent)) continue
    const { folder, name } = splitName(parent.slice(1))
    insert.run(folder, name, headerStart, start, 0, 0, GENERATED_FOLDER, FOLDER, "", 0, 0, 0, 0, 0, 0)
  }
}

const FOLDER = 5
const GENERATED_FOLDER = 0o040555

/** From offsetheader on, in the order of the columns. */
function fieldsOf(member: TarMember): (number | string | Uint8Array)[] {
  const { headerStart, start, size, mtime, mode, linkname, uid, gid } = member
  return [
    ...[headerStart, start, size, mtime, mode | (FILE_TYPE_BITS[member.type] ?? 0)],
    // Python's tarfile has bytes here, and so has every index that ratarmount made.
    Buffer.from(member.typeflag, "latin1"),
    ...[linkname, uid, gid, 0, member.type === "sparse" ? 1 : 0, 0, 0],
  ]
}

/** As `stat` has them. A hard link says nothing of what it leads to. */
const FILE_TYPE_BITS: Readonly<Partial<Record<TarType, number>>> = {
  file: 0o100000,
  sparse: 0o100000,
  symlink: 0o120000,
  "character-device": 0o020000,
  directory: 0o040000,
  fifo: 0o010000,
}

/** Folder with a leading slash, empty for the root. */
function splitName(path: string): { folder: string; name: string } {
  const slash = path.lastIndexOf("/")
  return { folder: slash === -1 ? "" : `/${path.slice(0, slash)}`, name: path.slice(slash + 1) }
}

/** A folder and all those above it but the root, the highest first. */
function parentsOf(folder: string): string[] {
  const names = folder.split("/").slice(1)
  return names.map((_, i) => `/${names.slice(0, i + 1).join("/")}`)
}

/** Options of the reader that decide whether it may use an index that others made. */
const ARGUMENTS = {
  mountRecursively: false,
  encoding: "utf-8",
  stripRecursiveTarExtension: false,
  transformRecursiveMountPoint: null,
  transformPattern: null,
  ignoreZeros: false,
  hashes: [],
  gzipSeekPointSpacing: 16_777_216,
}

function insertAbout(db: Database, tar: TarStats): void {
  const rows = {
    tarstats: stringifyJson({ st_size: tar.size, st_mtime: tar.mtime }),
    arguments: stringifyJson(ARGUMENTS),
    backendName: "SQLiteIndexedTar",
    isGnuIncremental: "0",
  }
  using insert = db.prepare("insert into metadata values (?, ?)")
  for (const [key, value] of Object.entries(rows)) insert.run(key, value)
  db.run("insert into versions values ('index', '0.7.0', 0, 7, 0)")
}
