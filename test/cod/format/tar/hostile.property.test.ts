import { expect, test } from "bun:test"
import fc from "fast-check"
import { InvalidTar } from "../../../../lib/cod/format/errors.ts"
import { buildIndex } from "../../../../lib/cod/format/index/build.ts"
import { compareIndex } from "../../../../lib/cod/format/index/compare.ts"
import { readIndex } from "../../../../lib/cod/format/index/read.ts"
import type { TarMember } from "../../../../lib/cod/format/tar/member.ts"
import { readMembers } from "../../../../lib/cod/format/tar/read.ts"
import { scanTar } from "../../../../lib/cod/format/tar/scan.ts"
import { goldenCase } from "../../../support/golden.ts"
import { type Mutation, mutate, mutations } from "../mutations.ts"
import { entryBytes, sparse, summed, tarOf } from "./tars.ts"

const WORDS = [
  ...["\0".repeat(512), "ustar\0", "ustar  \0", "././@LongLink", "instances/", "./", "../", "/", "7777777"],
  ...["24 size=9007199254740991\n", "11 size=-1\n", "9 path=\n", "15 GNU.sparse.major=1\n", "\x80", "\xff"],
]

const TARS = [
  ...["several-instances", "hashed-uids"].map((name) => {
    const golden = goldenCase(name)
    return golden.bytes(golden.keys.find((key) => key.endsWith(".tar"))!)
  }),
  tarOf().tar,
  tarOf(0, 1000, 512).tar,
  Buffer.concat([tarOf(700).tar, entryBytes({ name: "instances/behind.dcm", size: 900, mtime: 1.5 })]),
  Buffer.concat([entryBytes({ name: "é".repeat(200), size: 9, mtime: 1 }), tarOf(700, 30).tar]),
]

/** Where a header's fields begin, and what may stand there. */
const FIELDS = [0, 100, 108, 116, 124, 136, 148, 156, 157, 257, 263, 265, 329, 345, 482]

/** One field of the header that begins in some block, whose checksum then is right all the same. */
const forgery: fc.Arbitrary<Mutation> = fc
  .tuple(
    fc.nat(60),
    fc.constantFrom(...FIELDS),
    fc.oneof(
      fc.constantFrom(..."xgLKSX123456\0 7"),
      fc.constantFrom(...WORDS.filter((word) => word.length < 32)),
      fc.stringMatching(/^[0-7]{11}$/),
      fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
    ),
  )
  .map(([block, field, value]) => (tar) => {
    const header = block * 512
    if (header + 512 > tar.length) return tar
    const copy = Buffer.from(tar)
    copy.write(value, header + field, 512 - field, "latin1")
    return summed(copy, header)
  })

const changes = fc.oneof(
  mutations(WORDS),
  fc.array(forgery, { minLength: 1, maxLength: 5 }),
  fc
    .tuple(fc.array(forgery, { maxLength: 3 }), mutations(WORDS))
    .map(([forged, mutated]) => [...mutated, ...forged]),
)

test("a damaged tar is listed as far as it goes, and read but once or so", async () => {
  const property = fc.asyncProperty(fc.constantFrom(...TARS), changes, async (tar, change) => {
    const bytes = mutate(tar, change)
    const source = sparse(bytes.length, [{ at: 0, bytes }])
    const { members, behind, end, trailing, searched } = await scanTar(source)
    expect(source.bytesRead()).toBeLessThan(8 * bytes.length + (1 << 16))
    expectInOrder([...members, ...behind], bytes.length)
    expect(end).toBe(Math.min(members.at(-1)?.end ?? 0, bytes.length))
    expect(searched).toBe(bytes.length)
    if (trailing !== undefined) expect(trailing.start).toBeLessThan(trailing.end)
    expect(await listed(source)).toEqual([...members])
    const index = readIndex(buildIndex(members, { size: bytes.length, mtime: 1 }))
    expect(compareIndex(index, members, bytes.length)).toEqual({ missing: [], extra: [], wrong: [] })
  })
  await fc.assert(property, { numRuns: 3000 })
})

/** The members up to the first error, which is one of ours. */
async function listed(source: Parameters<typeof readMembers>[0]): Promise<TarMember[]> {
  const members: TarMember[] = []
  try {
    for await (const member of readMembers(source)) members.push(member)
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidTar)
  }
  return members
}

/** Each behind the one before it, its data within the tar. */
function expectInOrder(members: readonly TarMember[], size: number): void {
  let before = 0
  for (const { headerStart, start, end, size: length } of members) {
    const isInOrder = before <= headerStart && headerStart < start && start + length <= Math.min(end, size)
    expect({ before, headerStart, start, length, end, size, isInOrder }).toMatchObject({ isInOrder: true })
    before = end
  }
}
