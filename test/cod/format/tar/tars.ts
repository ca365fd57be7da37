import type { RandomAccess } from "../../../../lib/cod/format/bytes.ts"
import type { TarEntry, TarMember } from "../../../../lib/cod/format/tar/member.ts"
import { endOfTar, placeEntry } from "../../../../lib/cod/format/tar/write.ts"

export const MTIME = 1_700_000_000.25

/** A tar of files of these sizes as we write it, `instances/0.dcm` and so on, each of one repeated byte. */
export function tarOf(...sizes: readonly number[]): { tar: Buffer; members: TarMember[] } {
  const parts: Uint8Array[] = []
  const members: TarMember[] = []
  for (const [n, size] of sizes.entries()) {
    const entry = { name: `instances/${n}.dcm`, size, mtime: MTIME + n }
    const { header, member, padding } = placeEntry(entry, members.at(-1)?.end ?? 0)
    parts.push(header, Buffer.alloc(size, n + 1), padding)
    members.push(member)
  }
  return { tar: Buffer.concat([...parts, endOfTar(members.at(-1)?.end ?? 0)]), members }
}

/** One entry's headers, its data and padding. */
export function entryBytes(entry: TarEntry): Buffer {
  const { header, padding } = placeEntry(entry, 0)
  return Buffer.concat([header, Buffer.alloc(entry.size, 0xaa), padding])
}

/** A copy with other bytes at `at`. */
export function changed(bytes: Uint8Array, at: number, to: Uint8Array | string): Buffer {
  const copy = Buffer.from(bytes)
  copy.set(typeof to === "string" ? Buffer.from(to, "latin1") : to, at)
  return copy
}

/** Computes a header's checksum anew. */
export function summed(tar: Uint8Array, header = 0): Buffer {
  const copy = changed(tar, header + 148, "        ")
  const sum = copy.subarray(header, header + 512).reduce((total, byte) => total + byte, 0)
  return changed(copy, header + 148, `${sum.toString(8).padStart(6, "0")}\0 `)
}

/** Zeros, but for these pieces; tells how much of it was read. */
export function sparse(
  size: number,
  pieces: readonly { readonly at: number; readonly bytes: Uint8Array }[],
): RandomAccess & { readonly bytesRead: () => number } {
  let read = 0
  return {
    size,
    async read(start, end) {
      if (start < 0 || end > size) throw new RangeError(`${start} .. ${end}`)
      read += end - start
      const found = Buffer.alloc(end - start)
      for (const { at, bytes } of pieces) {
        const from = Math.max(start, at)
        const to = Math.min(end, at + bytes.length)
        if (from < to) found.set(bytes.subarray(from - at, to - at), from - start)
      }
      return found
    },
    bytesRead: () => read,
  }
}
