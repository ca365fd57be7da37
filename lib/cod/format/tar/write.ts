import { pythonFloat } from "../python-float.ts"
import { BLOCK, type TarEntry, type TarMember } from "./member.ts"
import { paxRecord } from "./pax.ts"

/** What tapes were written by. */
const RECORD = 20 * BLOCK

// As many octal digits as the ustar header has room for.
const MAX_SIZE = 8 ** 11 - 1
const MAX_ID = 8 ** 7 - 1

/**
 * The headers of one regular file, byte for byte as Python 3.11's tarfile writes them in its default format: a pax
 * header (typeflag x), its records in one block, and the ustar header; 1,536 bytes unless a name is very long.
 *
 * The pax header is there for every file, because a time of modification is always a record of its own. Records
 * stand in the order path, uname, gname, uid, gid, size, mtime; only those that the ustar header cannot hold.
 *
 * @throws RangeError when the entry cannot be written: no name, a NUL in it, a size or time that is no number
 */
export function entryHeader(entry: TarEntry): Uint8Array {
  const file = normalized(entry)
  const body = Buffer.from(recordsOf(file))
  const shortened = {
    ...file,
    uid: file.uid > MAX_ID ? 0 : file.uid,
    gid: file.gid > MAX_ID ? 0 : file.gid,
    size: file.size > MAX_SIZE ? 0 : file.size,
    mtime: wholeSeconds(file.mtime),
  }
  return Buffer.concat([
    headerBlock({ ...PAX_HEADER, size: body.length }, "x"),
    body,
    entryPadding(body.length),
    headerBlock(shortened, "0"),
  ])
}

/** The zeros that fill the last block of a file of `size` bytes. */
export function entryPadding(size: number): Uint8Array {
  return new Uint8Array(upTo(BLOCK, size))
}

/**
 * What ends a tar whose last member ends, with its padding, at `position`: two blocks of zeros, and zeros up to the
 * next multiple of 10,240 bytes. An append overwrites it.
 */
export function endOfTar(position: number): Uint8Array {
  const blocks = 2 * BLOCK
  return new Uint8Array(blocks + upTo(RECORD, position + blocks))
}

/** An entry and where it lies in the tar: write `header`, the data and `padding` at `member.headerStart`. */
export interface PlacedEntry {
  readonly member: TarMember
  readonly header: Uint8Array
  readonly padding: Uint8Array
}

/** Places an entry at `position`: 0 in a new tar, `end` of the member or of the scan behind which it is appended. */
export function placeEntry(entry: TarEntry, position: number): PlacedEntry {
  const header = entryHeader(entry)
  const padding = entryPadding(entry.size)
  const start = position + header.length
  const member: TarMember = {
    ...normalized(entry),
    type: "file",
    typeflag: "0",
    headerStart: position,
    start,
    end: start + entry.size + padding.length,
    linkname: "",
    format: "pax",
  }
  return { member, header, padding }
}

function upTo(multiple: number, size: number): number {
  return (multiple - (size % multiple)) % multiple
}

const OWNER = { mode: 0o644, uid: 0, gid: 0, uname: "root", gname: "root" }
const PAX_HEADER = { name: "././@PaxHeader", mode: 0, uid: 0, gid: 0, mtime: 0, uname: "", gname: "" }

function normalized(entry: TarEntry): Required<TarEntry> {
  const given = { ...OWNER, ...entry }
  const file = { ...given, name: entry.name.replace(/^\/+/, ""), mode: given.mode & 0o7777 }
  const texts = [file.name, file.uname, file.gname]
  if (file.name === "" || texts.some((text) => text.includes("\0") || !text.isWellFormed())) {
    throw new RangeError(`no name for a file in a tar: ${JSON.stringify(entry.name)}`)
  }
  for (const number of [file.size, file.uid, file.gid]) {
    if (!(Number.isSafeInteger(number) && number >= 0)) throw new RangeError(`not a size or an id: ${number}`)
  }
  if (!Number.isFinite(file.mtime)) throw new RangeError(`not a time: ${file.mtime}`)
  return file
}

function recordsOf(file: Required<TarEntry>): string {
  const texts = [
    { key: "path", value: file.name, fits: 100 },
    { key: "uname", value: file.uname, fits: 32 },
    { key: "gname", value: file.gname, fits: 32 },
  ].filter(({ value, fits }) => !isAscii(value) || value.length > fits)
  const numbers = [
    { key: "uid", value: file.uid, fits: MAX_ID },
    { key: "gid", value: file.gid, fits: MAX_ID },
    { key: "size", value: file.size, fits: MAX_SIZE },
  ].filter(({ value, fits }) => value > fits)
  return [...texts, ...numbers, { key: "mtime", value: pythonFloat(file.mtime) }]
    .map(({ key, value }) => paxRecord(key, String(value)))
    .join("")
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length
}

/** Python's round: to the even number from the middle between two. 0 when the field cannot hold it. */
function wholeSeconds(mtime: number): number {
  const floor = Math.floor(mtime)
  const up = mtime - floor > 0.5 || (mtime - floor === 0.5 && floor % 2 !== 0)
  const seconds = up ? floor + 1 : floor
  return seconds >= 0 && seconds <= MAX_SIZE ? seconds : 0
}

function headerBlock(file: Required<TarEntry>, typeflag: "x" | "0"): Uint8Array {
  const block = Buffer.alloc(BLOCK)
  const text = (at: number, length: number, value: string) =>
    block.write(questioned(value).slice(0, length), at, "latin1")
  const octal = (at: number, digits: number, value: number) =>
    block.write(value.toString(8).padStart(digits, "0"), at, "latin1")
  text(0, 100, file.name)
  octal(100, 7, file.mode)
  octal(108, 7, file.uid)
  octal(116, 7, file.gid)
  octal(124, 11, file.size)
  octal(136, 11, file.mtime)
  block.fill(" ", 148, 156)
  block.write(typeflag, 156, "latin1")
  block.write("ustar\x0000", 257, "latin1")
  text(265, 32, file.uname)
  text(297, 32, file.gname)
  let checksum = 0
  for (let at = 0; at < BLOCK; at++) checksum += block[at] ?? 0
  octal(148, 6, checksum)
  block[154] = 0
  return block
}

/** As `encode("ascii", "replace")`: one question mark for each character that is not ASCII. */
function questioned(text: string): string {
  return text.replace(/[^\0-\x7f]/gu, "?")
}
