import { InvalidIndex } from "../errors.ts"
import type { IndexMember } from "./index-member.ts"

/**
 * A row of `files`, its columns in their order.
 *
 * @throws InvalidIndex when a column holds what does not belong there
 */
export function memberOf(row: readonly unknown[]): IndexMember {
  const [path, name, headerStart, start, size, mtime, mode, , linkname, uid, gid] = row
  return {
    name: `${text(path)}/${text(name)}`.replace(/^\/+/, ""),
    headerStart: offset(headerStart),
    start: offset(start),
    size: offset(size),
    mtime: finite(mtime),
    mode: whole(mode),
    uid: whole(uid),
    gid: whole(gid),
    linkname: text(linkname ?? ""),
  }
}

/** S_IFDIR of S_IFMT: the column `type` is bytes or a number, as it pleases the writer. */
export function isFolder({ mode }: IndexMember): boolean {
  return (mode & 0o170000) === 0o040000
}

function text(value: unknown): string {
  return typeof value === "string" ? value : refuse()
}

function finite(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : refuse()
}

function whole(value: unknown): number {
  return Number.isSafeInteger(value) ? finite(value) : refuse()
}

function offset(value: unknown): number {
  const number = whole(value)
  return number >= 0 ? number : refuse()
}

function refuse(): never {
  throw new InvalidIndex("a row of the index holds what does not belong there")
}
