import { expect, test } from "bun:test"
import { inMemory, type RandomAccess } from "../../../../lib/cod/format/bytes.ts"
import { readMembers } from "../../../../lib/cod/format/tar/read.ts"
import { readAhead } from "../../../../lib/cod/format/tar/read-ahead.ts"
import { placeEntry } from "../../../../lib/cod/format/tar/write.ts"
import { MTIME, sparse, tarOf } from "./tars.ts"

/** How long each read was. */
function watched(source: RandomAccess): RandomAccess & { readonly reads: readonly number[] } {
  const reads: number[] = []
  return {
    size: source.size,
    reads,
    read(start, end, signal) {
      reads.push(end - start)
      return source.read(start, end, signal)
    },
  }
}

test("a tar of small members is read in a few long pieces", async () => {
  const source = watched(inMemory(tarOf(...Array.from({ length: 1000 }, () => 500)).tar))
  expect(await Array.fromAsync(readMembers(source))).toHaveLength(1000)
  expect(source.reads.length).toBeLessThan(15)
})

test("a tar of large members is read in short pieces, one for each", async () => {
  const pieces: { at: number; bytes: Uint8Array }[] = []
  for (let n = 0, at = 0; n < 20; n++) {
    const { member, header } = placeEntry({ name: String(n), size: 50 << 20, mtime: MTIME }, at)
    pieces.push({ at, bytes: header })
    at = member.end
  }
  const source = watched(sparse(pieces.at(-1)!.at + 1536 + (50 << 20), pieces))
  expect(await Array.fromAsync(readMembers(source))).toHaveLength(20)
  expect(source.reads).toEqual(Array.from({ length: 20 }, () => 8192))
})

test("what is read is what was asked for, forwards, backwards and across what is at hand", async () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, n) => n % 251)
  const source = readAhead(inMemory(bytes))
  for (const [start, end] of [
    [0, 10],
    [5, 9000],
    [8999, 9001],
    [99_990, 100_000],
    [3, 3],
    [50_000, 99_999],
  ] as const) {
    expect(await source.read(start, end)).toEqual(bytes.subarray(start, end))
  }
})
