import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { InvalidIndex, TooLarge } from "../../../../lib/cod/format/errors.ts"
import { compareIndex } from "../../../../lib/cod/format/index/compare.ts"
import { readIndex } from "../../../../lib/cod/format/index/read.ts"
import { tarOf } from "../tar/tars.ts"
import { altered, databaseOf, FILES_0_5, indexOf, ROW_0_5 } from "./indexes.ts"

const MEMBER = {
  ...{ name: "instances/1.dcm", headerStart: 0, start: 1536, size: 700, mtime: 1.5, mode: 0o100644 },
  ...{ uid: 0, gid: 0, linkname: "" },
}

describe("an index is read", () => {
  test("in format 0.7.0", () => {
    const { members, ...rest } = readIndex(indexOf(2))
    expect(members.map(({ name, start }) => ({ name, start }))).toEqual([
      { name: "instances/0.dcm", start: 1536 },
      { name: "instances/1.dcm", start: 3072 },
    ])
    expect(rest).toMatchObject({
      version: "0.7.0",
      folders: ["instances"],
      tar: { size: 10240, mtime: 1_700_000_000.5 },
    })
    expect(rest.metadata.get("backendName")).toBe("SQLiteIndexedTar")
  })

  test("in format 0.5.0, as ratarmountcore 0.7.2 made it", async () => {
    const compressed = await Bun.file(join(import.meta.dir, "ratarmountcore-0.7.2.sqlite.gz")).bytes()
    const index = readIndex(Bun.gunzipSync(compressed))
    const { tar, members } = tarOf(700, 512, 3000)
    expect(index).toMatchObject({ version: "0.5.0", folders: ["instances"], tar: { size: tar.length } })
    expect(compareIndex(index, members, tar.length)).toEqual({ missing: [], extra: [], wrong: [] })
    expect(index.members.map(({ mtime }) => mtime)).toEqual(members.map(({ mtime }) => mtime))
  })

  test("in format 0.5.0, which names its backend twice", () => {
    const index = databaseOf(
      ...[FILES_0_5, ROW_0_5],
      "create table versions (name varchar not null, version varchar not null, major integer, minor integer, patch integer)",
      "insert into versions values ('ratarmount', '0.7.2', 0, 7, 2), ('index', '0.5.0', 0, 5, 0)",
      "create table metadata (key varchar not null, value varchar not null)",
      "insert into metadata values ('backendName', 'SQLiteIndexedTar'), ('backendName', 'second'), ('tarstats', '{}')",
    )
    expect(readIndex(index)).toEqual({
      ...{ version: "0.5.0", members: [MEMBER], folders: ["instances"], tar: {} },
      metadata: new Map(Object.entries({ backendName: "SQLiteIndexedTar", tarstats: "{}" })),
    })
  })

  test("with its files alone, as ratarmount itself takes it", () => {
    expect(readIndex(databaseOf(FILES_0_5, ROW_0_5))).toEqual({
      ...{ version: undefined, members: [MEMBER], folders: ["instances"], tar: {}, metadata: new Map() },
    })
  })

  test("with the tables of compressed tars and extended attributes beside it", () => {
    const index = altered(
      indexOf(1),
      "create table xattrkeys (id integer primary key, name varchar(65535) unique)",
      "create table xattrsdata (offsetheader integer, keyid integer, value varchar(65535))",
      'create view "xattrs" (a) as select value from xattrsdata',
      "create trigger xattrs_insert instead of insert on xattrs begin select 1; end",
      "create table gzipindex (data blob)",
    )
    expect(readIndex(index).members).toHaveLength(1)
  })

  test("of a thousand members", () => {
    expect(readIndex(indexOf(1000)).members).toHaveLength(1000)
  })
})

describe("what is no index is refused", () => {
  const ENDLESS = "with recursive n(x) as (select 1 union all select x + 1 from n) select"
  const COLUMNS =
    "path, name, offsetheader, offset, size, mtime, mode, type, linkname, uid, gid, istar, issparse"
  const view = `view files as ${ENDLESS} ${COLUMNS.replaceAll(/\w+/g, (column) => `x as ${column}`)} from n`
  /** The same statement otherwise written, as only a forger can. */
  const forged = (index: Uint8Array, was: string, is: string) => {
    const copy = Buffer.from(index)
    copy.write(is.padEnd(was.length), copy.indexOf(was))
    return copy
  }

  test.each<[string, () => Uint8Array]>([
    ["nothing", () => new Uint8Array(0)],
    ["text", () => Buffer.from("SQLite".repeat(100))],
    ["a header alone", () => indexOf(1).subarray(0, 100)],
    ["a part of one", () => indexOf(100).subarray(0, 8192)],
    ["one that waits for its log", () => indexOf(1).with(18, 2).with(19, 2)],
    ["another database", () => databaseOf("create table a (b)")],
    ["one that was never finished", () => altered(indexOf(1), "create table filestmp (a)")],
    ["one with fewer columns", () => altered(indexOf(1), "alter table files drop column gid")],
    ["one with more columns", () => altered(indexOf(1), "alter table files add column more")],
    ["a view that never ends", () => databaseOf(`create ${view}`)],
    [
      "a view in a table's place",
      () => forged(databaseOf("create table files (a)"), "TABLE files (a)", "VIEW files(a)"),
    ],
    ["a virtual table", () => databaseOf("create virtual table files using fts5(path)")],
    [
      "one that hides it",
      () =>
        forged(
          databaseOf("create virtual table files using fts5(path )"),
          "VIRTUAL TABLE files using fts5(path )",
          "/**/VIRTUAL TABLE files using fts5(a)",
        ),
    ],
    [
      "columns that are computed",
      () => databaseOf(FILES_0_5.replace("size integer", "size integer as (length(hex(zeroblob(offset))))")),
    ],
    [
      "more of itself than it can hold",
      () => altered(indexOf(1), `create table t (a default '${"x".repeat(2 << 20)}')`),
    ],
  ])("%s", (_, make) => {
    expect(() => readIndex(make())).toThrow(InvalidIndex)
  })

  test.each([
    "path = x'37'",
    "name = x'00'",
    "offset = 'far'",
    "offset = -1",
    "offset = 9223372036854775807",
    "offset = null",
    "size = 1.5",
    "mtime = 9e999",
    "mtime = null",
    "linkname = x'00'",
    "uid = x'00'",
  ])("a row with %s", (set) => {
    const index = altered(indexOf(3), `update files set ${set}`)
    expect(() => readIndex(index)).toThrow(InvalidIndex)
  })

  test.each(["", "nonsense", "[", "null", "7"])("tarstats of %j", (json) => {
    const index = altered(indexOf(1), `update metadata set value = '${json}' where key = 'tarstats'`)
    expect(() => readIndex(index)).toThrow(InvalidIndex)
  })

  test("one that is larger than any series needs", () => {
    expect(() => readIndex(new Uint8Array((64 << 20) + 1))).toThrow(TooLarge)
  })

  test("pages that lead in a circle, in the rows and in the schema", () => {
    for (const make of [() => indexOf(2000), () => altered(indexOf(1), ...manyTables())]) {
      const index = make()
      const interior = interiorPages(index)
      expect(interior.length).toBeGreaterThan(0)
      for (const page of interior) {
        expect(() => readIndex(leading(index, page, page))).toThrow(InvalidIndex)
        expect(() => readIndex(leading(index, page, 0))).toThrow(InvalidIndex)
      }
    }
  })

  test("pages that lead again and again to the same rows", () => {
    const index = indexOf(2000)
    const [root] = interiorPages(index) as [number]
    const [leaf, second] = childrenOf(index, root) as [number, number]
    const below = leading(index, root, leaf).subarray(root, root + PAGE)
    const above = leading(index, root, second)
    above.set(below, second)
    expect(() => readIndex(above)).toThrow(InvalidIndex)
  })
})

const PAGE = 4096

/** Enough for a schema of several pages. */
function manyTables(): string[] {
  return Array.from({ length: 40 }, (_, n) => `create table t${n} (a default '${"x".repeat(300)}')`)
}

/** Offsets of pages that lead to others of the same table; the first page begins with the file's header. */
function interiorPages(index: Uint8Array): number[] {
  const starts = Array.from({ length: index.length / PAGE }, (_, n) => n * PAGE)
  return starts.filter((start) => index[start === 0 ? 100 : start] === 5)
}

/** Where an interior page's pointers stand. */
function pointersOf(index: Uint8Array, page: number): number[] {
  const view = new DataView(index.buffer, page, PAGE)
  const header = page === 0 ? 100 : 0
  const cells = Array.from({ length: view.getUint16(header + 3) }, (_, n) => header + 12 + 2 * n)
  return [...cells.map((cell) => page + view.getUint16(cell)), page + header + 8]
}

function childrenOf(index: Uint8Array, page: number): number[] {
  const view = new DataView(index.buffer)
  return pointersOf(index, page).map((at) => (view.getUint32(at) - 1) * PAGE)
}

/** The page's pointers lead elsewhere. */
function leading(index: Uint8Array, page: number, to: number): Uint8Array {
  const copy = new Uint8Array(index)
  const view = new DataView(copy.buffer)
  for (const at of pointersOf(index, page)) view.setUint32(at, to / PAGE + 1)
  return copy
}
