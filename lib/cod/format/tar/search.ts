import type { RandomAccess } from "../bytes.ts"
import { InvalidTar, TooLarge } from "../errors.ts"
import { isZero, looksLikeHeader } from "./header.ts"
import { BLOCK, type TarMember } from "./member.ts"
import { memberAt } from "./member-at.ts"

/** What stands where readers of tars do not look. */
export interface Search {
  /** Members behind the end blocks or behind damage. */
  readonly behind: readonly TarMember[]
  /** From the first to behind the last byte that is not zero and belongs to no member. */
  readonly trailing: { readonly start: number; readonly end: number } | undefined
  /** Up to where was looked: less than the tar's size when the search gave up. */
  readonly searched: number
}

/**
 * Looks at every block from `from` on whether a member begins there. What a member takes is skipped, so that only
 * what belongs to none is read, at most `limits.bytes` of it.
 *
 * @throws TooLarge when there are more than `limits.members`
 */
export async function searchBehind(
  tar: RandomAccess,
  from: number,
  limits: { readonly bytes: number; readonly members: number },
  signal?: AbortSignal,
): Promise<Search> {
  const behind: TarMember[] = []
  let trailing: Search["trailing"]
  let spent = 0
  let at = from
  const counted: RandomAccess = {
    size: tar.size,
    read(start, end, signal) {
      spent += end - start
      return tar.read(start, end, signal)
    },
  }
  while (at < tar.size && spent < limits.bytes) {
    const before = spent
    const block = await counted.read(at, Math.min(at + BLOCK, tar.size), signal)
    const member = looksLikeHeader(block) ? await memberIn(counted, at, signal) : undefined
    if (member !== undefined) {
      if (behind.length === limits.members)
        throw new TooLarge("the number of members of a tar", limits.members)
      behind.push(member)
      at = Math.min(member.end, tar.size)
      spent = before
      continue
    }
    if (!isZero(block)) trailing = spanning(trailing, block, at)
    at += block.length
  }
  return { behind, trailing, searched: at }
}

async function memberIn(
  tar: RandomAccess,
  at: number,
  signal: AbortSignal | undefined,
): Promise<TarMember | undefined> {
  try {
    return await memberAt(tar, at, new Map(), signal)
  } catch (error) {
    if (error instanceof InvalidTar) return undefined
    throw error
  }
}

function spanning(before: Search["trailing"], block: Uint8Array, at: number): Search["trailing"] {
  const start = before?.start ?? at + block.findIndex((byte) => byte !== 0)
  return { start, end: at + block.findLastIndex((byte) => byte !== 0) + 1 }
}
