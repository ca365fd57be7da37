import type { TarMember } from "../tar/member.ts"
import type { IndexMember, TarIndex } from "./index-member.ts"

/** What an index has other than the tar. All empty and no `tarSize`: it is good. */
export interface IndexDifferences {
  /** Members that no row tells. */
  readonly missing: readonly TarMember[]
  /** Rows of no member. */
  readonly extra: readonly IndexMember[]
  /** Rows that tell a member wrongly, and in which fields. */
  readonly wrong: readonly WrongRow[]
  /** Size of the tar as the index has it, when that is not the tar's: the index was made of another one. */
  readonly tarSize?: number
}

export interface WrongRow {
  readonly row: IndexMember
  readonly member: TarMember
  readonly fields: readonly ("name" | "start" | "size")[]
}

/**
 * Compares an index with the members that the tar has (`scanTar(…).members`) and with its size in bytes. A row and
 * a member belong together by the offset of their header, which is unlike in all members.
 */
export function compareIndex(
  index: TarIndex,
  members: readonly TarMember[],
  tarSize: number,
): IndexDifferences {
  const listed = members.filter(({ type }) => type !== "directory")
  const rows = new Map(index.members.map((row) => [row.headerStart, row]))
  const known = new Set(listed.map(({ headerStart }) => headerStart))
  const wrong = listed.flatMap((member): WrongRow[] => {
    const row = rows.get(member.headerStart)
    const fields = row === undefined ? [] : FIELDS.filter((field) => row[field] !== member[field])
    return row === undefined || fields.length === 0 ? [] : [{ row, member, fields }]
  })
  return {
    missing: listed.filter(({ headerStart }) => !rows.has(headerStart)),
    extra: index.members.filter((row) => !known.has(row.headerStart) || rows.get(row.headerStart) !== row),
    wrong,
    ...(index.tar.size !== undefined && index.tar.size !== tarSize && { tarSize: index.tar.size }),
  }
}

/** What leads to a member's bytes; times and owners do not matter to anybody. */
const FIELDS = ["name", "start", "size"] as const
