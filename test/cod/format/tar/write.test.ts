import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { inMemory } from "../../../../lib/cod/format/bytes.ts"
import type { TarEntry, TarMember } from "../../../../lib/cod/format/tar/member.ts"
import { scanTar } from "../../../../lib/cod/format/tar/scan.ts"
import { endOfTar, entryHeader, entryPadding, placeEntry } from "../../../../lib/cod/format/tar/write.ts"
import { goldenCases } from "../../../support/golden.ts"
import { PYTHON_IS_MISSING, tarfile } from "./tarfile.ts"
import { entryBytes, MTIME, tarOf } from "./tars.ts"

const ENTRY: TarEntry = { name: "instances/1.2.3.dcm", size: 7, mtime: MTIME }

describe("headers of an entry", () => {
  test("take 1,536 bytes: a pax header with the time, and a plain one", () => {
    const header = Buffer.from(entryHeader(ENTRY))
    expect(header.length).toBe(1536)
    expect(header.toString("latin1", 0, 14)).toBe("././@PaxHeader")
    expect(header.toString("latin1", 512, 541)).toBe("23 mtime=1700000000.25\n\0\0\0\0\0\0")
    expect(header.toString("latin1", 1024, 1043)).toBe(ENTRY.name)
  })

  test.skipIf(PYTHON_IS_MISSING)("are those that Python's tarfile writes, byte for byte", () => {
    const entries = [...EDGES, ...fc.sample(anyEntry(), 1_500)]
    const theirs = tarfile("header", entries)
    for (const [i, entry] of entries.entries()) {
      expect({ entry, header: Buffer.from(entryHeader(entry)).toString("base64") }).toEqual({
        entry,
        header: theirs[i]!,
      })
    }
  })

  test("leave out the slash that a name begins with", () => {
    expect(entryHeader({ ...ENTRY, name: `//${ENTRY.name}` })).toEqual(entryHeader(ENTRY))
  })

  test.each([
    { name: "" },
    { name: "/" },
    { name: "a\0b" },
    { name: "\ud800" },
    { size: -1 },
    { size: 1.5 },
    { size: Number.NaN },
    { mtime: Number.POSITIVE_INFINITY },
    { uid: -1 },
    { gname: "\0" },
  ])("are not made of %j", (wrong) => {
    expect(() => entryHeader({ ...ENTRY, ...wrong })).toThrow(RangeError)
  })
})

describe("a tar", () => {
  test.each(goldenCases())("of $name is the same when its members are written anew", async (golden) => {
    const tar = golden.bytes(golden.keys.find((key) => key.endsWith(".tar"))!)
    const { members } = await scanTar(inMemory(tar))
    const parts: Uint8Array[] = []
    for (const [i, was] of members.entries()) {
      const { header, member, padding } = placeEntry(was, members[i - 1]?.end ?? 0)
      expect(member).toEqual(was)
      parts.push(header, tar.subarray(was.start, was.start + was.size), padding)
    }
    expect(Buffer.concat([...parts, endOfTar(members.at(-1)!.end)]).equals(tar)).toBe(true)
  })

  test("is filled up to a multiple of 10,240 bytes behind its end blocks", () => {
    const sizes = [0, 1, 2, 3].map((count) => tarOf(...Array.from({ length: count }, () => 2000)).tar.length)
    expect(sizes).toEqual([10240, 10240, 10240, 20480])
    expect(endOfTar(10240 - 1024).length).toBe(1024)
    expect(endOfTar(10240 - 512).length).toBe(1024 - 512 + 10240)
  })

  test("fills each file up to a block", () => {
    expect([0, 1, 511, 512, 513].map((size) => entryPadding(size).length)).toEqual([0, 511, 1, 0, 511])
  })

  test.skipIf(PYTHON_IS_MISSING)("is appended to as Python does it, and nothing before moves", () => {
    const { tar, members } = tarOf(700, 0, 512)
    const added = { name: "instances/more.dcm", size: 3000, mtime: MTIME, uname: "", gname: "" }
    const [theirs] = tarfile("append", [{ tar: tar.toString("base64"), entries: [added] }])
    const ours = appended(tar, members, added)
    expect(ours.toString("base64")).toBe(theirs!)
    expect(ours.subarray(0, members.at(-1)!.end).equals(tar.subarray(0, members.at(-1)!.end))).toBe(true)
  })
})

/** From the end blocks on. */
function appended(tar: Uint8Array, members: readonly TarMember[], entry: TarEntry): Buffer {
  const { end } = members.at(-1)!
  const bytes = entryBytes(entry).map((byte) => (byte === 0xaa ? 1 : byte))
  return Buffer.concat([tar.subarray(0, end), bytes, endOfTar(end + bytes.length)])
}

const GB8 = 8 ** 11

/** Where something begins or ends to fit. */
const EDGES: readonly Required<TarEntry>[] = [
  ...[GB8 - 1, GB8, 5 * GB8].map((size) => ({ size })),
  ...[8 ** 7 - 1, 8 ** 7].flatMap((id) => [{ uid: id }, { gid: id }]),
  ...[99, 100, 101, 255, 700].map((length) => ({ name: "n".repeat(length) })),
  ...["ü", "é".repeat(100), "日本/😀.dcm", `a/${"ä".repeat(60)}/b`].map((name) => ({ name })),
  ...["u".repeat(32), "u".repeat(33), "Müller"].flatMap((name) => [{ uname: name }, { gname: name }]),
  ...[0.5, 1.5, 2.5, -0.5, -1, 0, -0, 1e-7, 1e16, 1e22, 5e-324, 1.7e308, GB8, GB8 - 0.5].map((mtime) => ({
    mtime,
  })),
  ...[0o7777, 0o100644, 0].map((mode) => ({ mode })),
].map((edge) => ({ ...ENTRY, mode: 0o644, uid: 0, gid: 0, uname: "root", gname: "root", ...edge }))

function anyEntry(): fc.Arbitrary<Required<TarEntry>> {
  const id = fc.oneof(fc.nat(), fc.nat(70_000))
  const text = (maxLength: number) => fc.string({ unit: "grapheme", maxLength }).filter(isText)
  return fc.record({
    name: fc.oneof(text(120), fc.stringMatching(/^[a-z0-9./]{1,160}$/)).map((name) => `instances/${name}`),
    size: fc.oneof(fc.nat(), fc.maxSafeNat()),
    mtime: fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.double({ noNaN: true, min: 0, max: 2e9 }),
      fc.integer().map((half) => half / 2),
    ),
    mode: fc.nat(0o7777),
    uid: id,
    gid: id,
    uname: text(40),
    gname: text(40),
  })
}

function isText(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed()
}
