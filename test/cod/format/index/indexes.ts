import { Database } from "bun:sqlite"
import { buildIndex } from "../../../../lib/cod/format/index/build.ts"
import { tarOf } from "../tar/tars.ts"

/** A good index of as many members. */
export function indexOf(count: number): Uint8Array {
  const { tar, members } = tarOf(...Array.from({ length: count }, () => 0))
  return new Uint8Array(buildIndex(members, { size: tar.length, mtime: 1_700_000_000.5 }))
}

/** The same database after these statements. */
export function altered(index: Uint8Array, ...statements: readonly string[]): Uint8Array {
  using db = Database.deserialize(index)
  for (const statement of statements) db.run(statement)
  return new Uint8Array(db.serialize())
}

/** A database of these statements. */
export function databaseOf(...statements: readonly string[]): Uint8Array {
  using db = new Database(":memory:")
  for (const statement of statements) db.run(statement)
  return new Uint8Array(db.serialize())
}

export function rowsOf(index: Uint8Array, sql: string): unknown[][] {
  using db = Database.deserialize(index)
  return db.query(sql).values()
}

/** As ratarmountcore 0.7 made it: no isgenerated, no recursiondepth, no keys but that of the files. */
export const FILES_0_5 = `create table files (path varchar(65535) not null, name varchar(65535) not null,
  offsetheader integer, offset integer, size integer, mtime real, mode integer, type integer, linkname varchar(65535),
  uid integer, gid integer, istar bool, issparse bool, primary key (path, name, offsetheader))`

export const ROW_0_5 = `insert into files values
  ('/instances', '1.dcm', 0, 1536, 700, 1.5, 33188, x'30', '', 0, 0, 0, 0),
  ('', 'instances', 0, 1536, 0, 0, 16749, 5, '', 0, 0, 0, 0)`
