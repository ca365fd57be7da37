import type { TarMember } from "../tar/member.ts"
import type { IndexMember, TarIndex } from "./index-member.ts"

/** What an index has other than the tar. All empty: it is good. */
export interface IndexDifferences {
  /** Members that no row tells. */
  readonly missing: readonly TarMember[]
  /** Rows of no member. */
  readonly extra: readonly IndexMember[]
  /** Rows that tell a member wrongly, and which of its fields. */
  readonly wrong: readonly {
    readonly row: IndexMember
    readonly member: TarMember
    readonly fields: readonly string[]
  }[]
  /** Size of the tar as the index has it, when that is not the tar's. */
  readonly tarSize?: number
}

/** Compares an index with the members that the tar has (`scanTar(…).members`) and with its size in bytes. */
export function compareIndex(
  _index: TarIndex,
  _members: readonly TarMember[],
  _tarSize: number,
): IndexDifferences {
  throw new Error("to come")
}
