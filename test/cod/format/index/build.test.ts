import { describe, expect, test } from "bun:test"
import { inMemory } from "../../../../lib/cod/format/bytes.ts"
import { buildIndex } from "../../../../lib/cod/format/index/build.ts"
import { readIndex } from "../../../../lib/cod/format/index/read.ts"
import type { TarMember } from "../../../../lib/cod/format/tar/member.ts"
import { scanTar } from "../../../../lib/cod/format/tar/scan.ts"
import { placeEntry } from "../../../../lib/cod/format/tar/write.ts"
import { goldenCases } from "../../../support/golden.ts"
import { MTIME, tarOf } from "../tar/tars.ts"
import { indexOf, rowsOf } from "./indexes.ts"

const STATS = { size: 10240, mtime: MTIME }
const member = (name: string, more: Partial<TarMember> = {}) => ({
  ...placeEntry({ name, size: 0, mtime: MTIME }, 0).member,
  ...more,
})
const names = (index: Uint8Array) => rowsOf(index, "select path, name from files order by rowid")

describe("an index", () => {
  test.each(goldenCases())("of $name has the rows that ratarmount made, to their types", async (golden) => {
    const [index, tar] = ["index.sqlite", ".tar"].map((end) =>
      golden.bytes(golden.keys.find((key) => key.endsWith(end))!),
    )
    const { members } = await scanTar(inMemory(tar!))
    const ours = buildIndex(members, { size: tar!.length, mtime: readIndex(index!).tar.mtime! })
    const rows = "select rowid, *, typeof(type), typeof(mtime), typeof(offset) from files"
    expect(rowsOf(ours, rows)).toEqual(rowsOf(index!, rows))
    const about = "select key, value from metadata where key <> 'tarstats' order by key"
    expect(rowsOf(ours, about)).toEqual(rowsOf(index!, about))
    expect(readIndex(ours).tar).toEqual(readIndex(index!).tar)
    const version = "select * from versions where name = 'index'"
    expect(rowsOf(ours, version)).toEqual(rowsOf(index!, version))
    const columns = `select name, lower(type), "notnull", pk from pragma_table_info('files')`
    expect(rowsOf(ours, columns)).toEqual(rowsOf(index!, columns))
  })

  test("is a sound database that is opened read-only without a journal", () => {
    const index = indexOf(3)
    expect(Buffer.from(index).toString("latin1", 0, 16)).toBe("SQLite format 3\0")
    // Page size 4096; 1 and 1: a rollback journal.
    expect([...index.subarray(16, 20)]).toEqual([0x10, 0, 1, 1])
    expect(index.length % 4096).toBe(0)
    expect(rowsOf(index, "pragma integrity_check")).toEqual([["ok"]])
    expect(rowsOf(index, "pragma user_version")).toEqual([[0]])
    expect(rowsOf(index, "pragma encoding")).toEqual([["UTF-8"]])
  })

  test("names a folder last: its offset is that of its first member", () => {
    expect(rowsOf(indexOf(1), "select path, name, offset from files order by rowid")).toEqual([
      ["/instances", "0.dcm", 1536],
      ["", "instances", 1536],
    ])
  })

  test("names each folder that the tar does not have, the highest first", () => {
    const index = buildIndex(
      [
        member("b/", { name: "b", type: "directory", typeflag: "5" }),
        member("a/b/c.dcm", { headerStart: 512 }),
        member("b/d.dcm", { headerStart: 1024 }),
        member("top.dcm", { headerStart: 1536 }),
      ],
      STATS,
    )
    expect(names(index)).toEqual([
      ["", "b"],
      ["/a/b", "c.dcm"],
      ["/b", "d.dcm"],
      ["", "top.dcm"],
      ["", "a"],
      ["/a", "b"],
    ])
    expect(readIndex(index).folders).toEqual(["b", "a", "a/b"])
  })

  test("of nothing has no rows", () => {
    const index = readIndex(buildIndex([], STATS))
    expect(index).toMatchObject({ members: [], folders: [], version: "0.7.0", tar: STATS })
  })

  test("has offsets and sizes beyond 4 GiB", () => {
    const far = member("far.dcm", { headerStart: 40e9, start: 40e9 + 1536, size: 9e9 })
    expect(readIndex(buildIndex([far], STATS)).members).toMatchObject([
      { headerStart: 40e9, start: 40e9 + 1536, size: 9e9 },
    ])
  })

  test("says of links and others what they are", () => {
    const kinds = [
      { type: "hardlink", typeflag: "1", linkname: "a" },
      { type: "symlink", typeflag: "2", linkname: "b" },
      { type: "fifo", typeflag: "6" },
    ] as const
    const index = buildIndex(
      kinds.map((kind, n) => member(String(n), { ...kind, headerStart: n })),
      STATS,
    )
    expect(rowsOf(index, "select mode, type, linkname from files order by rowid")).toEqual([
      [0o644, Uint8Array.of(0x31), "a"],
      [0o120644, Uint8Array.of(0x32), "b"],
      [0o010644, Uint8Array.of(0x36), ""],
    ])
  })

  test("keeps every member of a doubled name: the last one counts for readers", () => {
    const { members } = tarOf(5, 6)
    const twice = members.map((each) => ({ ...each, name: "instances/same.dcm" }))
    expect(readIndex(buildIndex(twice, STATS)).members.map(({ size }) => size)).toEqual([5, 6])
  })
})
