import { describe, expect, test } from "bun:test"
import { linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs"
import fc from "fast-check"
import { pack } from "tar-stream"
import { inMemory, type RandomAccess } from "../../../../lib/cod/format/bytes.ts"
import { InvalidTar } from "../../../../lib/cod/format/errors.ts"
import { TruncatedTar } from "../../../../lib/cod/format/tar/errors.ts"
import type { TarMember } from "../../../../lib/cod/format/tar/member.ts"
import { readMembers } from "../../../../lib/cod/format/tar/read.ts"
import { entryHeader } from "../../../../lib/cod/format/tar/write.ts"
import { tempDir } from "../../../support/temp.ts"
import {
  GNU_TAR_IS_MISSING,
  PYTHON_IS_MISSING,
  type PythonEntry,
  type PythonMember,
  tarfile,
} from "./tarfile.ts"
import { changed, entryBytes, MTIME, sparse, summed, tarOf } from "./tars.ts"

const list = (tar: Uint8Array | RandomAccess) =>
  Array.fromAsync(readMembers(tar instanceof Uint8Array ? inMemory(tar) : tar))

/** The members before an error, and the error. */
async function failing(tar: Uint8Array): Promise<{ members: TarMember[]; error: unknown }> {
  const members: TarMember[] = []
  try {
    for await (const member of readMembers(inMemory(tar))) members.push(member)
  } catch (error) {
    return { members, error }
  }
  throw new Error("nothing failed")
}

/** As Python tells it: no kind in words; other sizes where the header's means nothing. */
function inPython({ type, end, format, ...member }: TarMember): PythonMember {
  return { ...member, size: type === "sparse" ? -1 : member.size }
}

function asOurs(member: PythonMember): PythonMember {
  const size = /[1-6]/.test(member.typeflag) ? 0 : member.size
  return {
    ...member,
    name: member.name.replace(/^[./]*\//, ""),
    size: member.typeflag === "S" ? -1 : size,
  }
}

describe("members", () => {
  test("of our own tar are where we put them", async () => {
    const { tar, members } = tarOf(0, 1, 512, 5000)
    expect(await list(tar)).toEqual(members)
    expect(members.map(({ start, size }) => tar.subarray(start, start + size))).toEqual(
      [0, 1, 512, 5000].map((size, n) => Buffer.alloc(size, n + 1)),
    )
  })

  test.skipIf(PYTHON_IS_MISSING)("of any tar by Python are those that Python finds itself", async () => {
    const tars = tarfile("write", fc.sample(anyTar(), 300))
    const theirs = tarfile("members", tars)
    for (const [i, tar] of tars.entries()) {
      const ours = await list(Buffer.from(tar, "base64"))
      expect(ours.map(inPython)).toEqual(theirs[i]!.map(asOurs))
    }
  })

  test.skipIf(GNU_TAR_IS_MISSING || PYTHON_IS_MISSING).each(["v7", "oldgnu", "gnu", "ustar", "posix"])(
    "of a tar by GNU tar in its format %s are those that Python finds",
    async (format) => {
      using dir = tempDir()
      const tar = await byGnuTar(dir.path, format)
      const ours = await list(tar)
      expect(ours.map(inPython)).toEqual(tarfile("members", [tar.toString("base64")])[0]!.map(asOurs))
      const types = new Set(ours.map(({ type }) => type))
      expect(types).toEqual(new Set(["directory", "file", "hardlink", "symlink"]))
    },
  )

  test("of a tar by tar-stream are found, each in its kind", async () => {
    const tar = await byTarStream()
    const found = await list(tar)
    expect(found.map(({ name, type, size, linkname }) => ({ name, type, size, linkname }))).toEqual([
      { name: "instances", type: "directory", size: 0, linkname: "" },
      { name: "instances/1.dcm", type: "file", size: 700, linkname: "" },
      { name: `instances/${"long/".repeat(60)}ü.dcm`, type: "file", size: 3, linkname: "" },
      { name: "link", type: "hardlink", size: 0, linkname: "instances/1.dcm" },
      { name: "points", type: "symlink", size: 0, linkname: "/etc/passwd" },
      { name: "pipe", type: "fifo", size: 0, linkname: "" },
    ])
    expect(found.map(({ format }) => format)).toEqual(["ustar", "ustar", "pax", "ustar", "ustar", "ustar"])
  })

  test.skipIf(GNU_TAR_IS_MISSING).each(["gnu", "posix"])(
    "that GNU tar keeps without their holes (%s) are no files, and what follows is found",
    async (format) => {
      using dir = tempDir()
      for (const [n, name] of ["a", "b"].entries()) {
        writeFileSync(dir.file(name), "x")
        for (let at = 1; at < 30; at++) {
          truncateSync(dir.file(name), at * 100_000 * (1 - n) + 1)
          if (n === 0) writeFileSync(dir.file(name), "x", { flag: "a" })
        }
      }
      const tar = run(dir.path, ["tar", "-cSf-", `--format=${format}`, "a", "b"])
      const found = await list(tar)
      expect(found.map(({ name, type }) => ({ name, type }))).toEqual([
        { name: "a", type: "sparse" },
        { name: "b", type: "file" },
      ])
    },
  )

  test("keep neither a slash nor a dot before their name", async () => {
    for (const name of ["instances/1.dcm", "./instances/1.dcm", ".//instances/1.dcm", "/instances/1.dcm"]) {
      const header = Buffer.alloc(100)
      header.write(name)
      const tar = summed(changed(tarOf(5).tar, 1024, header), 1024)
      expect((await list(tar)).map(({ name }) => name)).toEqual(["instances/1.dcm"])
    }
  })

  test("end with the bytes, where there are no end blocks", async () => {
    const { tar, members } = tarOf(5, 6)
    expect(await list(tar.subarray(0, members[1]!.end))).toEqual(members)
  })
})

describe("global and repeated pax headers", () => {
  const pax = (typeflag: string, records: string) => {
    const block = changed(entryBytes({ name: "x", size: 0, mtime: 0 }).subarray(0, 512), 156, typeflag)
    block.write(records.length.toString(8).padStart(11, "0"), 124)
    return Buffer.concat([summed(block), Buffer.from(records.padEnd(512, "\0"))])
  }
  const plain = (name: string) =>
    summed(changed(entryBytes({ name, size: 3, mtime: 7 }).subarray(1024), 0, name))

  test("say something of all members behind them, unless a member's own header says another thing", async () => {
    const tar = Buffer.concat([
      ...[pax("g", "19 comment=nothing\n13 gname=all\n"), plain("a")],
      ...[pax("x", "13 gname=own\n12 path=new\n"), plain("b"), pax("x", "9 gname=\n"), plain("c")],
    ])
    const found = await list(tar)
    expect(found.map(({ name, gname }) => ({ name, gname }))).toEqual([
      { name: "a", gname: "all" },
      { name: "new", gname: "own" },
      { name: "c", gname: "root" },
    ])
    expect(found.map(({ headerStart }) => headerStart)).toEqual([1024, 2048, 4096])
  })

  test.each([
    "99 gname=short\n",
    "3 gname=x\n",
    "13 gname=own",
    "gname=own\n",
    "6 own\n",
    "99999999999 a=b\n",
    "0 a=b\n",
  ])("whose lengths are wrong are damage: %j", async (records) => {
    const { error } = await failing(Buffer.concat([pax("x", records), plain("a")]))
    expect(error).toBeInstanceOf(InvalidTar)
    expect((error as InvalidTar).facts.offset).toBe(0)
  })

  test.each(["size=-1", "size=x", "size=1e3", `size=${"9".repeat(30)}`])(
    "with a %s are damage",
    async (record) => {
      const text = ` ${record}\n`
      const length = text.length + String(text.length + 2).length
      const { error } = await failing(Buffer.concat([pax("x", `${length}${text}`), plain("a")]))
      expect(error).toBeInstanceOf(InvalidTar)
    },
  )
})

describe("sizes and offsets", () => {
  const GB30 = 30 * 2 ** 30

  test("beyond 8 GiB are read from pax records, and no data is", async () => {
    const first = entryBytes({ name: "a", size: 0, mtime: MTIME })
    const huge = Buffer.from(entryHeader({ name: "instances/huge.dcm", size: GB30, mtime: MTIME }))
    const last = first.length + huge.length + GB30
    const tar = sparse(last + 10240, [
      { at: 0, bytes: Buffer.concat([first, huge]) },
      { at: last, bytes: entryBytes({ name: "last", size: 600, mtime: MTIME }) },
    ])
    const found = await list(tar)
    expect(found.map(({ name, start, size }) => ({ name, start, size }))).toEqual([
      { name: "a", start: 1536, size: 0 },
      { name: "instances/huge.dcm", start: 3072, size: GB30 },
      { name: "last", start: 3072 + GB30 + 1536, size: 600 },
    ])
    expect(tar.bytesRead()).toBeLessThan(100_000)
  })

  test("beyond 8 GiB are read as GNU tar has them, with numbers of base 256", async () => {
    const size = Buffer.alloc(12)
    size[0] = 0x80
    size.writeBigUInt64BE(BigInt(GB30), 4)
    const header = changed(entryBytes({ name: "a", size: 0, mtime: 0 }).subarray(1024), 124, size)
    const tar = sparse(512 + GB30 + 1024, [{ at: 0, bytes: summed(header) }])
    expect((await list(tar)).map(({ size }) => size)).toEqual([GB30])
  })

  test.each([
    ["beyond what a number holds", Buffer.from("80ffffffffffffffffffffff", "hex")],
    ["negative", Buffer.from("fffffffffffffffffffffff0", "hex")],
    ["no octal number", Buffer.from("0000000008\0")],
  ])("%s are damage", async (_, size) => {
    const tar = summed(changed(tarOf(5).tar, 1024 + 124, size), 1024)
    expect((await failing(tar)).error).toBeInstanceOf(InvalidTar)
  })
})

describe("a damaged tar", () => {
  const { tar, members } = tarOf(1000, 2000, 3000)

  test("tells the offset of the header that is wrong, behind the members before it", async () => {
    const { headerStart } = members[1]!
    const found = await failing(changed(tar, headerStart + 3, "!"))
    expect(found.members).toEqual(members.slice(0, 1))
    expect(found.error).toBeInstanceOf(InvalidTar)
    expect(found.error).not.toBeInstanceOf(TruncatedTar)
    expect((found.error as InvalidTar).facts.offset).toBe(headerStart)
  })

  test("is one whose headers lead to no member", async () => {
    const { error } = await failing(changed(tar, members[1]!.start - 512, Buffer.alloc(512)))
    expect((error as InvalidTar).facts.offset).toBe(members[1]!.start - 512)
  })

  test.each([
    ["noise", "\x01\x02\x03".repeat(500)],
    ["a DICOM file", `${"\0".repeat(128)}DICM${"\x02".repeat(900)}`],
  ])("is no tar at all: %s", async (_, text) => {
    const { error } = await failing(Buffer.from(text, "latin1"))
    expect(error).toBeInstanceOf(InvalidTar)
  })

  test.each([
    ["in a header", members[2]!.headerStart + 100, 2],
    ["in a pax record", members[2]!.headerStart + 600, 2],
    ["in the data", members[2]!.start + 100, 2],
    ["in the padding", members[2]!.start + members[2]!.size, 3],
    ["before its first byte", 0, 0],
  ])("that was cut off %s is told apart", async (_, size, whole) => {
    const found = await failing(tar.subarray(0, size))
    expect(found.members).toEqual(members.slice(0, whole))
    expect(found.error).toBeInstanceOf(TruncatedTar)
    expect((found.error as TruncatedTar).facts).toEqual({
      offset: members[whole]?.headerStart ?? members[2]!.headerStart,
      size,
    })
  })

  test("with a megabyte of headers before one member is not gone through", async () => {
    const many = Buffer.concat(
      Array.from({ length: 2100 }, () => entryBytes({ name: "x", size: 0, mtime: 0 }).subarray(0, 1024)),
    )
    expect((await failing(many)).error).toBeInstanceOf(InvalidTar)
  })

  test("with a name longer than any path is not listed", async () => {
    const { error } = await failing(entryBytes({ name: "n".repeat(5000), size: 0, mtime: 0 }))
    expect(error).toBeInstanceOf(InvalidTar)
  })

  test("is no damage when reading it fails: that error stays as it is", async () => {
    const broken: RandomAccess = { size: 10240, read: () => Promise.reject(new Error("the network")) }
    expect(list(broken)).rejects.toThrow("the network")
  })
})

/** Entries of all kinds that a format can hold. */
function anyTar(): fc.Arbitrary<{ format: "pax" | "gnu" | "ustar"; entries: PythonEntry[] }> {
  return fc.constantFrom("pax" as const, "gnu" as const, "ustar" as const).chain((format) => {
    const isUstar = format === "ustar"
    const name = isUstar
      ? fc.stringMatching(/^[a-z]{1,60}(\/[a-z]{1,60})?$/)
      : fc.oneof(fc.stringMatching(/^[a-zé/]{1,300}[a-z]$/), fc.stringMatching(/^[a-zü.]{0,30}[a-z]$/))
    const id = fc.nat(isUstar ? 8 ** 7 - 1 : 2 ** 31 - 1)
    const entry = fc.record({
      name,
      typeflag: fc.constantFrom("0", "0", "0", "1", "2", "3", "5", "6", "7"),
      mtime: fc.double({ min: 0, max: isUstar ? 8e9 : 2e10, noNaN: true }),
      mode: fc.nat(0o7777),
      ...{ uid: id, gid: id, linkname: name },
      ...{ uname: fc.stringMatching(/^[a-zé]{0,15}$/), gname: fc.stringMatching(/^[a-z]{0,31}$/) },
    })
    const withSize = entry.chain((made) =>
      fc.nat(/[07]/.test(made.typeflag) ? 3000 : 0).map((size): PythonEntry => ({ ...made, size })),
    )
    return fc.record({
      format: fc.constant(format),
      entries: fc.array(withSize, { minLength: 1, maxLength: 8 }),
    })
  })
}

function run(cwd: string, command: string[]): Buffer {
  const { stdout, stderr, success } = Bun.spawnSync(command, { cwd })
  if (!success) throw new Error(stderr.toString())
  return stdout
}

async function byGnuTar(cwd: string, format: string): Promise<Buffer> {
  const deep = format === "v7" ? "d" : "d".repeat(80)
  mkdirSync(`${cwd}/${deep}/instances`, { recursive: true })
  writeFileSync(`${cwd}/${deep}/instances/1.dcm`, "x".repeat(1500))
  writeFileSync(`${cwd}/${deep}/instances/2.dcm`, "")
  linkSync(`${cwd}/${deep}/instances/1.dcm`, `${cwd}/${deep}/instances/3.dcm`)
  symlinkSync("../instances/1.dcm", `${cwd}/${deep}/instances/4.dcm`)
  if (format === "gnu" || format === "posix") writeFileSync(`${cwd}/${deep}/${"ü".repeat(60)}`, "long")
  return run(cwd, ["tar", "-cf-", `--format=${format}`, "--sort=name", deep])
}

async function byTarStream(): Promise<Buffer> {
  const archive = pack()
  archive.entry({ name: "instances/", type: "directory" })
  archive.entry({ name: "instances/1.dcm" }, "1".repeat(700))
  archive.entry({ name: `instances/${"long/".repeat(60)}ü.dcm` }, "abc")
  archive.entry({ name: "link", type: "link", linkname: "instances/1.dcm" })
  archive.entry({ name: "points", type: "symlink", linkname: "/etc/passwd" })
  archive.entry({ name: "pipe", type: "fifo" })
  archive.finalize()
  const chunks: Uint8Array[] = []
  for await (const chunk of archive as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
