import type { RandomAccess } from "../bytes.ts"
import { InvalidTar, TooLarge } from "../errors.ts"
import { isZero } from "./header.ts"
import { BLOCK, type TarMember } from "./member.ts"
import { readMembers } from "./read.ts"
import { readAhead } from "./read-ahead.ts"
import { type Search, searchBehind } from "./search.ts"

/** Everything that a tar holds, also what its readers do not come to. */
export interface TarScan extends Search {
  /** What every reader of tars lists, in the order of the tar. */
  readonly members: readonly TarMember[]
  /** Offset behind the last of `members` and its padding: where the end blocks stand, and where an append begins. */
  readonly end: number
  /** Blocks of zeros at `end`, two at most; 0 when the tar simply stops there, or is damaged. */
  readonly endBlocks: number
  /** Why the list ended before end blocks: TruncatedTar when the bytes ended before the tar did. */
  readonly problem: InvalidTar | undefined
}

export interface ScanOptions {
  /** Bytes of no member that are looked at (64 MiB). */
  readonly search?: number
}

/** More than a series ever has; a list of them takes some 300 MB. */
const MAX_MEMBERS = 500_000

/** Upstream leaves 10 KB at most between the end blocks and what it writes behind them by mistake. */
const SEARCH = 64 << 20

/**
 * Lists a tar to its very last byte, as far as looking at `search` bytes of no member suffices. Damage is told, not
 * thrown.
 *
 * @throws TooLarge when there are more members than a series can have; what `tar` throws that it cannot be read
 */
export async function scanTar(
  tar: RandomAccess,
  { search = SEARCH }: ScanOptions = {},
  signal?: AbortSignal,
): Promise<TarScan> {
  const members: TarMember[] = []
  const problem = await listMembers(tar, members, signal)
  const end = Math.min(members.at(-1)?.end ?? 0, tar.size)
  const endBlocks = problem === undefined ? await countEndBlocks(tar, end, signal) : 0
  // What cannot be read at `end` need not be tried again.
  const from = end + BLOCK * (problem === undefined ? endBlocks : 1)
  const limits = { bytes: search, members: MAX_MEMBERS - members.length }
  const found = await searchBehind(readAhead(tar), Math.min(from, tar.size), limits, signal)
  return { members, end, endBlocks, problem, ...found }
}

async function listMembers(
  tar: RandomAccess,
  members: TarMember[],
  signal: AbortSignal | undefined,
): Promise<InvalidTar | undefined> {
  try {
    for await (const member of readMembers(tar, signal)) {
      if (members.length === MAX_MEMBERS) throw new TooLarge("the number of members of a tar", MAX_MEMBERS)
      members.push(member)
    }
  } catch (error) {
    if (error instanceof InvalidTar) return error
    throw error
  }
  return undefined
}

async function countEndBlocks(
  tar: RandomAccess,
  end: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const bytes = await tar.read(end, Math.min(end + 2 * BLOCK, tar.size), signal)
  const blocks = [bytes.subarray(0, BLOCK), bytes.subarray(BLOCK)].filter(({ length }) => length === BLOCK)
  const other = blocks.findIndex((block) => !isZero(block))
  return other === -1 ? blocks.length : other
}
