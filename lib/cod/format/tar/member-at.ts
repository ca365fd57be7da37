import type { RandomAccess } from "../bytes.ts"
import { damagedAt, truncatedAt } from "./errors.ts"
import { type HeaderBlock, hasData, isZero, parseHeader, typeOf } from "./header.ts"
import { BLOCK, type TarMember } from "./member.ts"
import { parsePax } from "./pax.ts"

/** Values of pax records by key, as a tar's global headers leave them. */
export type PaxRecords = Map<string, string>

/** Bytes of all headers of one member: room for extended attributes, which are of no use here. */
const MAX_EXTENSIONS = 1 << 20

/** Characters of a path, as Linux has it. */
const MAX_NAME = 4096

/**
 * The member whose first header stands at `at`, with everything that extends it; undefined when a block of zeros or
 * the end of the bytes stands there. Its data was not looked at, but is all there.
 *
 * @param globals records of global pax headers so far; those that stand here are added
 * @throws InvalidTar, TruncatedTar
 */
export async function memberAt(
  tar: RandomAccess,
  at: number,
  globals: PaxRecords,
  signal?: AbortSignal,
): Promise<TarMember | undefined> {
  const own: Extensions = { pax: new Map(), isPax: false }
  let headerStart: number | undefined
  let position = at
  for (;;) {
    const header = await headerAt(tar, position, headerStart ?? position, signal)
    if (header === undefined) {
      if (headerStart !== undefined) throw damagedAt(position, "headers lead to no member")
      return undefined
    }
    const extend = EXTENSIONS[header.typeflag]
    if (header.typeflag !== "g") headerStart ??= position
    if (extend === undefined) {
      const start = await behindSparseMap(tar, header, position, signal)
      return checked(tar, memberOf(header, own, globals, { headerStart: headerStart!, start }))
    }
    const start = position + BLOCK
    if (start + header.size - at > MAX_EXTENSIONS) throw damagedAt(position, "its headers are too long")
    const body = await bytesAt(tar, start, start + header.size, headerStart ?? position, signal)
    extend(body, own, globals, position)
    position = padded(start + header.size)
  }
}

interface Extensions {
  readonly pax: PaxRecords
  isPax: boolean
  longName?: string
  longLink?: string
}

type Extend = (body: Buffer, own: Extensions, globals: PaxRecords, at: number) => void

/** Headers that say something of the member behind them, by typeflag. */
const EXTENSIONS: Readonly<Record<string, Extend | undefined>> = {
  x: extendByPax,
  // As Solaris wrote it.
  X: extendByPax,
  g: (body, _, globals, at) => parsePax(body, at, globals),
  L: (body, own) => {
    own.longName = upToNul(body)
  },
  K: (body, own) => {
    own.longLink = upToNul(body)
  },
}

function extendByPax(body: Buffer, own: Extensions, _: PaxRecords, at: number): void {
  own.isPax = true
  parsePax(body, at, own.pax)
}

function upToNul(body: Buffer): string {
  const nul = body.indexOf(0)
  return body.toString("utf8", 0, nul === -1 ? body.length : nul)
}

async function headerAt(
  tar: RandomAccess,
  at: number,
  memberStart: number,
  signal: AbortSignal | undefined,
): Promise<HeaderBlock | undefined> {
  if (at === tar.size) return undefined
  const block = await bytesAt(tar, at, at + BLOCK, memberStart, signal)
  return isZero(block) ? undefined : parseHeader(block, at)
}

async function bytesAt(
  tar: RandomAccess,
  start: number,
  end: number,
  memberStart: number,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  if (end > tar.size) throw truncatedAt(memberStart, tar.size)
  const bytes = await tar.read(start, end, signal)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Where the data begins: an old GNU sparse file has further blocks of its map before it. */
async function behindSparseMap(
  tar: RandomAccess,
  header: HeaderBlock,
  at: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  let start = at + BLOCK
  let goesOn = header.typeflag === "S" && header.isExtended
  while (goesOn) {
    if (start - at > MAX_EXTENSIONS) throw damagedAt(at, "its map of a sparse file is too long")
    const block = await bytesAt(tar, start, start + BLOCK, at, signal)
    goesOn = block[504] !== 0
    start += BLOCK
  }
  return start
}

function memberOf(
  header: HeaderBlock,
  own: Extensions,
  globals: PaxRecords,
  { headerStart, start }: { headerStart: number; start: number },
): TarMember {
  // An empty value takes a record back.
  const record = (key: string) => (own.pax.get(key) ?? globals.get(key)) || undefined
  const type = isSparse(own.pax) ? "sparse" : typeOf(header)
  const size = hasData(type) ? sizeOf(record("size"), header.size, headerStart) : 0
  return {
    name: plainName(record("GNU.sparse.name") ?? record("path") ?? own.longName ?? header.name),
    type,
    typeflag: header.typeflag,
    headerStart,
    start,
    size,
    end: padded(start + size),
    mtime: numberOf(record("mtime")) ?? header.mtime,
    mode: header.mode,
    uid: idOf(record("uid")) ?? header.uid,
    gid: idOf(record("gid")) ?? header.gid,
    uname: record("uname") ?? header.uname,
    gname: record("gname") ?? header.gname,
    linkname: record("linkpath") ?? own.longLink ?? header.linkname,
    format: formatOf(header, own, globals),
  }
}

/** A member that makes sense, and whose data the tar holds whole. */
function checked(tar: RandomAccess, member: TarMember): TarMember {
  if (Math.max(member.name.length, member.linkname.length) > MAX_NAME) {
    throw damagedAt(member.headerStart, "a name is too long")
  }
  if (!Number.isSafeInteger(member.end)) throw damagedAt(member.headerStart, "a size is beyond all bounds")
  if (member.start + member.size > tar.size) throw truncatedAt(member.headerStart, tar.size)
  return member
}

function isSparse(pax: PaxRecords): boolean {
  return pax.has("GNU.sparse.map") || pax.has("GNU.sparse.size") || pax.has("GNU.sparse.major")
}

function sizeOf(record: string | undefined, header: number, at: number): number {
  if (record === undefined) return header
  const size = /^\d+$/.test(record) ? Number(record) : Number.NaN
  if (!Number.isSafeInteger(size)) throw damagedAt(at, "a size is no number")
  return size
}

function numberOf(record: string | undefined): number | undefined {
  const number = Number(record ?? Number.NaN)
  return Number.isFinite(number) ? number : undefined
}

function idOf(record: string | undefined): number | undefined {
  const id = numberOf(record)
  return Number.isSafeInteger(id) ? id : undefined
}

function plainName(name: string): string {
  return name.replace(/^(?:\.?\/+)+/, "").replace(/\/+$/, "")
}

function formatOf(header: HeaderBlock, own: Extensions, globals: PaxRecords): TarMember["format"] {
  if (own.isPax || globals.size > 0) return "pax"
  return own.longName !== undefined || own.longLink !== undefined ? "gnu" : header.magic
}

function padded(position: number): number {
  return Math.ceil(position / BLOCK) * BLOCK
}
