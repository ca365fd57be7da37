import type { RandomAccess } from "../bytes.ts"
import { truncatedAt } from "./errors.ts"
import type { TarMember } from "./member.ts"
import { memberAt, type PaxRecords } from "./member-at.ts"
import { readAhead } from "./read-ahead.ts"

/**
 * The members of a tar one after the other, up to its end blocks. Data is skipped, not read. A tar without end
 * blocks ends where its last member does.
 *
 * @throws InvalidTar with the offset of a damaged header; TruncatedTar (one of them) when the bytes end before the
 * tar does
 */
export async function* readMembers(tar: RandomAccess, signal?: AbortSignal): AsyncGenerator<TarMember> {
  const source = readAhead(tar)
  const globals: PaxRecords = new Map()
  if (tar.size === 0) throw truncatedAt(0, 0)
  for (let at = 0; at < tar.size; ) {
    const member = await memberAt(source, at, globals, signal)
    if (member === undefined) return
    yield member
    if (member.end > tar.size) throw truncatedAt(member.headerStart, tar.size)
    at = member.end
  }
}
