import { describe, expect, test } from "bun:test"
import { ftruncateSync } from "node:fs"
import { open } from "node:fs/promises"
import { inMemory, type RandomAccess } from "../../../../lib/cod/format/bytes.ts"
import { InvalidTar } from "../../../../lib/cod/format/errors.ts"
import { TruncatedTar } from "../../../../lib/cod/format/tar/errors.ts"
import { scanTar } from "../../../../lib/cod/format/tar/scan.ts"
import { endOfTar, placeEntry } from "../../../../lib/cod/format/tar/write.ts"
import { goldenCases } from "../../../support/golden.ts"
import { tempDir } from "../../../support/temp.ts"
import { changed, entryBytes, MTIME, sparse, tarOf } from "./tars.ts"

const scan = (tar: Uint8Array, search?: number) => scanTar(inMemory(tar), { search })

describe("a sound tar", () => {
  test.each(goldenCases())("of $name has its members and nothing else", async (golden) => {
    const tar = golden.bytes(golden.keys.find((key) => key.endsWith(".tar"))!)
    const { members, ...rest } = await scan(tar)
    const found = new Map(members.map(({ name, start, size }) => [name, { start, size }]))
    const expected = Object.entries(golden.expected.instances).map(
      ([key, { start_byte: start, size }]) => [`instances/${key}.dcm`, { start, size }] as const,
    )
    expect(found).toEqual(new Map(expected))
    expect(new Set(members.map(({ type, format }) => `${format} ${type}`))).toEqual(new Set(["pax file"]))
    expect(rest).toEqual({
      ...{ end: members.at(-1)!.end, endBlocks: 2, problem: undefined, behind: [], trailing: undefined },
      searched: tar.length,
    })
  })

  test("without members is one", async () => {
    const found = await scan(endOfTar(0))
    expect(found).toMatchObject({ members: [], end: 0, endBlocks: 2, problem: undefined })
  })

  test.each([0, 1, 2])("has %i end blocks", async (endBlocks) => {
    const { tar, members } = tarOf(5)
    const end = members[0]!.end
    const found = await scan(tar.subarray(0, end + 512 * endBlocks))
    expect(found).toMatchObject({ members, end, endBlocks, problem: undefined, trailing: undefined })
  })
})

describe("what stands behind the end", () => {
  const { tar, members } = tarOf(700, 512)
  const orphan = { name: "instances/orphan.dcm", size: 900, mtime: MTIME }

  test("members are found, as a writer leaves them that goes on behind the end blocks", async () => {
    const behind = [0, 1].map((n) => placeEntry(orphan, tar.length + n * (1536 + 1024)).member)
    const bytes = Buffer.concat([tar, entryBytes(orphan), entryBytes(orphan), endOfTar(0)])
    const found = await scan(bytes)
    expect(found).toMatchObject({ members, behind, endBlocks: 2, trailing: undefined })
    expect(found.searched).toBe(bytes.length)
  })

  test("members are found behind a single block of zeros, where readers of tars stop", async () => {
    const start = members[1]!.end
    const found = await scan(Buffer.concat([tar.subarray(0, start + 512), entryBytes(orphan)]))
    expect(found).toMatchObject({ members, end: start, endBlocks: 1, problem: undefined })
    expect(found.behind).toEqual([placeEntry(orphan, start + 512).member])
  })

  test("other bytes are told, from the first to the last that is not zero", async () => {
    const bytes = Buffer.concat([
      tar,
      Buffer.alloc(300),
      Buffer.from("rest"),
      Buffer.alloc(1000),
      Buffer.from("x"),
    ])
    const found = await scan(bytes)
    expect(found.trailing).toEqual({ start: tar.length + 300, end: bytes.length })
    expect(found).toMatchObject({ members, behind: [] })
  })

  test("members between other bytes are found all the same", async () => {
    const noise = Buffer.alloc(1024, "noise")
    const found = await scan(Buffer.concat([tar, noise, entryBytes(orphan), noise]))
    expect(found.behind.map(({ headerStart }) => headerStart)).toEqual([tar.length + 1024])
    expect(found.trailing).toEqual({ start: tar.length, end: tar.length + 1024 + 2560 + 1024 })
  })

  test("members whose data is cut short are none", async () => {
    const found = await scan(Buffer.concat([tar, entryBytes(orphan).subarray(0, 1800)]))
    expect(found.behind).toEqual([])
    expect(found.trailing).toMatchObject({ start: tar.length })
  })
})

describe("a damaged tar", () => {
  const { tar, members } = tarOf(700, 512, 9000)

  test("tells its damage, and what is whole behind it", async () => {
    const found = await scan(changed(tar, members[1]!.headerStart + 3, "!"))
    expect(found.members).toEqual(members.slice(0, 1))
    expect(found).toMatchObject({ end: members[0]!.end, endBlocks: 0 })
    expect(found.problem).toBeInstanceOf(InvalidTar)
    const [second, third] = members.slice(1)
    // Its pax header is lost, not its plain one.
    expect(found.behind).toEqual([
      { ...second!, headerStart: second!.start - 512, mtime: Math.round(second!.mtime), format: "ustar" },
      third!,
    ])
  })

  test("that is cut off says so, and lists what is whole", async () => {
    const found = await scan(tar.subarray(0, members[2]!.start + 100))
    expect(found.members).toEqual(members.slice(0, 2))
    expect(found.problem).toBeInstanceOf(TruncatedTar)
    expect(found.end).toBe(members[1]!.end)
  })

  test("of no bytes at all is cut off, too", async () => {
    expect((await scan(new Uint8Array(0))).problem).toBeInstanceOf(TruncatedTar)
  })

  test("is no damage when reading it fails: that error is thrown", async () => {
    const broken: RandomAccess = { size: 10240, read: () => Promise.reject(new Error("the network")) }
    expect(scanTar(broken)).rejects.toThrow("the network")
  })
})

describe("the search for more", () => {
  const TB = 2 ** 40

  test("gives up after so many bytes of nothing", async () => {
    const { tar } = tarOf(5)
    const found = await scanTar(sparse(TB, [{ at: 0, bytes: tar }]), { search: 1 << 20 })
    expect(found.endBlocks).toBe(2)
    expect(found.searched).toBeLessThan((1 << 20) + 10240)
    expect(found.behind).toEqual([])
  })

  test("does not count what members take", async () => {
    const { tar } = tarOf(5)
    const behind = Buffer.concat(
      Array.from({ length: 50 }, () => entryBytes({ name: "a", size: 4000, mtime: 0 })),
    )
    const found = await scan(Buffer.concat([tar, behind]), 20_000)
    expect(found.behind).toHaveLength(50)
  })

  test("reads headers that lead nowhere only as far as it may, however they are nested", async () => {
    const pax = Buffer.from(entryBytes({ name: "x".repeat(3000), size: 0, mtime: 0 }).subarray(0, 512))
    const { tar } = tarOf(5)
    const nested = Buffer.concat(Array.from({ length: 20_000 }, () => pax))
    const source = sparse(tar.length + nested.length, [{ at: 0, bytes: Buffer.concat([tar, nested]) }])
    const found = await scanTar(source, { search: 4 << 20 })
    expect(found.behind).toEqual([])
    expect(source.bytesRead()).toBeLessThan(20 << 20)
  })

  test("is stopped by a signal", async () => {
    const { tar } = tarOf(5)
    const signal = AbortSignal.abort(new Error("enough"))
    expect(scanTar(inMemory(tar), {}, signal)).rejects.toThrow("enough")
  })
})

test("a series of 30 GB is listed by its headers alone", async () => {
  using dir = tempDir()
  const GB = 2 ** 30
  await using file = await open(dir.file("huge.tar"), "w+")
  let at = 0
  for (let n = 0; n < 30; n++) {
    const { member, header } = placeEntry({ name: `instances/${n}.dcm`, size: GB, mtime: MTIME }, at)
    await file.write(header, 0, header.length, at)
    at = member.end
  }
  ftruncateSync(file.fd, at + endOfTar(at).length)
  let read = 0
  const source: RandomAccess = {
    size: at + endOfTar(at).length,
    async read(start, end) {
      read += end - start
      const bytes = Buffer.alloc(end - start)
      await file.read(bytes, 0, bytes.length, start)
      return bytes
    },
  }
  const found = await scanTar(source)
  expect(found.members.map(({ start }) => start)).toEqual(
    Array.from({ length: 30 }, (_, n) => n * (GB + 1536) + 1536),
  )
  expect(found.endBlocks).toBe(2)
  expect(read).toBeLessThan(1 << 20)
})
