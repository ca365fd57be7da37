import type { RandomAccess } from "../bytes.ts"
import type { TarMember } from "./member.ts"

/** Everything that a tar holds, also what its readers do not come to. */
export interface TarScan {
  /** What every reader of tars lists, in the order of the tar. */
  readonly members: readonly TarMember[]
  /** Offset behind the last of `members` and its padding: where the end blocks stand, and where an append begins. */
  readonly end: number
  /** Blocks of zeros at `end`, two at most; 0 when the tar simply stops there, or is damaged. */
  readonly endBlocks: number
  /** Why the list ended before end blocks: an InvalidTar (TruncatedTar when the bytes ended before the tar did). */
  readonly problem?: Error
  /** Members behind the end blocks or behind the damage, which readers of tars do not see. */
  readonly behind: readonly TarMember[]
  /** From the first to behind the last byte after `end` that is not zero and belongs to no member. */
  readonly trailing?: { readonly start: number; readonly end: number }
  /** Up to where `behind` and `trailing` were looked for: less than the tar's size when the search gave up. */
  readonly searched: number
}

/**
 * Lists a tar to its very last byte, as far as `search` bytes behind its end suffice. Damage is told, not thrown.
 *
 * @throws TooLarge when there are more members than a series can have
 */
export async function scanTar(
  _tar: RandomAccess,
  _options: { readonly search?: number } = {},
  _signal?: AbortSignal,
): Promise<TarScan> {
  throw new Error("to come")
}
