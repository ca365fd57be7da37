import { Database } from "bun:sqlite"
import { statSync } from "node:fs"
import { join } from "node:path"
import { AppError } from "../support/errors.ts"
import { isBusy } from "./file-failures.ts"
import { OWN_FILES } from "./file-paths.ts"

/** What the file system does not keep of an object. */
export interface CatalogueEntry {
  readonly key: string
  readonly generation: string
  /** The state of the file that the entry is about: of any other state at the same path it says nothing. */
  readonly fileId: string
  readonly crc32c: string
  readonly md5?: string | undefined
  readonly contentType: string
  readonly contentEncoding?: string | undefined
  readonly storageClass?: string | undefined
  readonly metadata: Readonly<Record<string, string>>
}

/** An entry whose object may not be in its place yet: its bytes lie in the file `upload`. */
export interface AnnouncedEntry extends CatalogueEntry {
  readonly upload: string
}

/**
 * The file store's knowledge of its objects, in `.objects.sqlite` at its root, shared by all processes that use it. It
 * is made by the first write and looked for anew at every call, so that a root removed in between does no harm.
 *
 * An object is replaced in three steps, so that a crash at any moment leaves the old object or the new one, each with
 * its entry: the new entry is announced and safe on the disk; the file is renamed into place; the old entry goes. In
 * between both are there, and the file's identity tells which one counts.
 */
export interface Catalogue extends Disposable {
  /** The entry of the file in exactly this state. */
  find(key: string, fileId: string): CatalogueEntry | undefined
  /** Gives the object that is about to appear its generation: later than all before, also of a catalogue that was lost. */
  announce(entry: Omit<CatalogueEntry, "generation">, upload: string): CatalogueEntry
  /** Runs `change` while nobody else can change anything in the store. Not async: a pause would let others in. */
  exclusively<T>(change: () => T): T
  /** Inside `exclusively`: the announced object is in its place, the entries of what was there before go. */
  settle(entry: CatalogueEntry): void
  /** The announced object will not appear. */
  withdraw(entry: CatalogueEntry): void
  /** Inside `exclusively`: there is no object any more. */
  remove(key: string): void
  announced(): readonly AnnouncedEntry[]
}

const VERSION = 1

const SCHEMA = `
  create table if not exists objects (
    key               text not null,
    generation        integer not null,   -- microseconds since 1970, but later than all before
    file_id           text not null,      -- inode, size and modification time of the object's file
    crc32c            text not null,
    md5               text,
    content_type      text not null,
    content_encoding  text,
    storage_class     text,
    metadata          text not null,      -- JSON
    upload            text,               -- while announced: the file at the root that holds the bytes
    primary key (key, generation)
  ) strict, without rowid;
  create index if not exists objects_announced on objects (upload) where upload is not null;
  create table if not exists last_generation (generation integer not null) strict;
  insert into last_generation select 0 where not exists (select 1 from last_generation);
  pragma user_version = ${VERSION};`

const BUSY_TIMEOUT_MS = 10_000

export function openCatalogue(root: string): Catalogue {
  const connection = connectionTo(join(root, `${OWN_FILES}sqlite`))

  return {
    find(key, fileId) {
      const sql = "select * from objects where key = ? and file_id = ?"
      const row = connection.existing()?.query<Row, [string, string]>(sql).get(key, fileId)
      return row === null || row === undefined ? undefined : entryOf(row)
    },

    announce(entry, upload) {
      const db = connection.writable()
      return db.transaction(() => insertAnnounced(db, entry, upload)).immediate()
    },

    exclusively: (change) => connection.writable().transaction(change).immediate(),

    settle({ key, generation }) {
      const db = connection.writable()
      db.query("delete from objects where key = ? and generation <> ? and upload is null").run(
        key,
        generation,
      )
      db.query("update objects set upload = null where key = ? and generation = ?").run(key, generation)
    },

    withdraw({ key, generation }) {
      const sql = "delete from objects where key = ? and generation = ?"
      connection.writable().query(sql).run(key, generation)
    },

    remove(key) {
      connection.writable().query("delete from objects where key = ? and upload is null").run(key)
    },

    announced() {
      const sql = "select * from objects where upload is not null"
      const rows = connection.existing()?.query<Row, []>(sql).all() ?? []
      return rows.map((row) => ({ ...entryOf(row), upload: row.upload! }))
    },

    [Symbol.dispose]: connection.close,
  }
}

/** One connection to a file that may not be there yet, or be removed with its whole folder at any time. */
function connectionTo(path: string) {
  let held: { readonly db: Database; readonly inode: bigint } | undefined

  const close = () => {
    held?.db.close()
    held = undefined
  }
  const hold = (db: Database) => {
    held = { db, inode: statSync(path, { bigint: true }).ino }
    return db
  }

  return {
    close,
    /** Undefined where no write has succeeded yet. */
    existing(): Database | undefined {
      const inode = statSync(path, { bigint: true, throwIfNoEntry: false })?.ino
      if (held !== undefined && held.inode !== inode) close()
      if (held !== undefined || inode === undefined) return held?.db
      const db = connect(path, { create: false })
      if (versionOf(db) > 0) return hold(db)
      // Another process is just making it.
      db.close()
      return undefined
    },
    writable(): Database {
      return this.existing() ?? hold(createTables(connect(path, { create: true })))
    },
  }
}

function connect(path: string, { create }: { create: boolean }): Database {
  const db = new Database(path, { readwrite: true, create, strict: true })
  db.run(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`)
  // An entry must outlive a power loss that the file's new name outlives.
  db.run("pragma synchronous = full")
  const version = versionOf(db)
  if (version <= VERSION) return db
  db.close()
  throw new AppError(`${path} was made by a newer release (version ${version}, known is ${VERSION})`, {
    verdict: "stop",
  })
}

function createTables(db: Database): Database {
  db.transaction(() => db.run(SCHEMA)).immediate()
  try {
    db.run("pragma journal_mode = wal")
  } catch (error) {
    // Somebody else is switching at this moment, and the mode is the file's, not the connection's.
    if (!isBusy(error)) throw error
  }
  return db
}

function versionOf(db: Database): number {
  return db.query<{ user_version: number }, []>("pragma user_version").get()!.user_version
}

function insertAnnounced(
  db: Database,
  entry: Omit<CatalogueEntry, "generation">,
  upload: string,
): CatalogueEntry {
  const { generation } = db
    .query<{ generation: number }, [number]>(
      "update last_generation set generation = max(generation + 1, ?) returning generation",
    )
    .get(Date.now() * 1000)!
  db.query(
    `insert into objects (key, generation, file_id, crc32c, md5, content_type, content_encoding, storage_class,
       metadata, upload)
     values ($key, $generation, $fileId, $crc32c, $md5, $contentType, $contentEncoding, $storageClass, $metadata,
       $upload)`,
  ).run({
    key: entry.key,
    generation,
    fileId: entry.fileId,
    crc32c: entry.crc32c,
    md5: entry.md5 ?? null,
    contentType: entry.contentType,
    contentEncoding: entry.contentEncoding ?? null,
    storageClass: entry.storageClass ?? null,
    metadata: JSON.stringify(entry.metadata),
    upload,
  })
  return { ...entry, generation: String(generation) }
}

interface Row {
  readonly key: string
  readonly generation: number
  readonly file_id: string
  readonly crc32c: string
  readonly md5: string | null
  readonly content_type: string
  readonly content_encoding: string | null
  readonly storage_class: string | null
  readonly metadata: string
  readonly upload: string | null
}

function entryOf(row: Row): CatalogueEntry {
  return {
    key: row.key,
    generation: String(row.generation),
    fileId: row.file_id,
    crc32c: row.crc32c,
    md5: row.md5 ?? undefined,
    contentType: row.content_type,
    contentEncoding: row.content_encoding ?? undefined,
    storageClass: row.storage_class ?? undefined,
    metadata: JSON.parse(row.metadata),
  }
}
