import { damagedAt } from "./errors.ts"
import { BLOCK, type TarType } from "./member.ts"

/** One header block as it stands, before anything that extends it. */
export interface HeaderBlock {
  readonly name: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtime: number
  readonly typeflag: string
  readonly linkname: string
  readonly magic: "ustar" | "gnu" | "v7"
  readonly uname: string
  readonly gname: string
  /** Of an old GNU sparse file: its map goes on in the next block. */
  readonly isExtended: boolean
}

/**
 * Reads a header of POSIX ustar, GNU tar or the seventh edition (POSIX.1-2017, pax, "ustar Interchange Format").
 *
 * @throws InvalidTar when the checksum or a number is wrong; `at` is the block's offset in the tar, for the error
 */
export function parseHeader(block: Uint8Array, at: number): HeaderBlock {
  const bytes = Buffer.from(block.buffer, block.byteOffset, BLOCK)
  const number = (from: number, to: number) => numberIn(bytes.subarray(from, to), at)
  if (!checksumsOf(bytes).includes(number(148, 156))) throw damagedAt(at, "a header's checksum is wrong")
  const magic = magicOf(bytes)
  const name = textIn(bytes, 0, 100)
  const prefix = magic === "ustar" ? textIn(bytes, 345, 500) : ""
  const size = number(124, 136)
  if (size < 0) throw damagedAt(at, "a size is negative")
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    mode: number(100, 108) & 0o7777,
    uid: number(108, 116),
    gid: number(116, 124),
    size,
    mtime: number(136, 148),
    typeflag: bytes.toString("latin1", 156, 157),
    linkname: textIn(bytes, 157, 257),
    magic,
    uname: magic === "v7" ? "" : textIn(bytes, 265, 297),
    gname: magic === "v7" ? "" : textIn(bytes, 297, 329),
    isExtended: bytes[482] !== 0,
  }
}

/** Whether a block claims to be a header: for telling one from data, where nothing says what comes. */
export function looksLikeHeader(block: Uint8Array): boolean {
  return block.length === BLOCK && magicOf(Buffer.from(block.buffer, block.byteOffset, BLOCK)) !== "v7"
}

const ZEROS = Buffer.alloc(BLOCK)

export function isZero(bytes: Uint8Array): boolean {
  return ZEROS.compare(bytes, 0, bytes.length, 0, bytes.length) === 0
}

const TYPES: Readonly<Record<string, TarType>> = {
  "0": "file",
  "\0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
  // Contiguous files, wherever there was such a thing.
  "7": "file",
  S: "sparse",
}

export function typeOf({ typeflag, name }: HeaderBlock): TarType {
  // The seventh edition had no typeflag for directories.
  if (typeflag === "\0" && name.endsWith("/")) return "directory"
  return TYPES[typeflag] ?? "other"
}

/** Links, folders and devices have no data, whatever size their header names. */
export function hasData(type: TarType): boolean {
  return type === "file" || type === "sparse" || type === "other"
}

function magicOf(bytes: Buffer): HeaderBlock["magic"] {
  const magic = bytes.toString("latin1", 257, 263)
  if (magic === "ustar\0") return "ustar"
  return magic === "ustar " ? "gnu" : "v7"
}

/** The sum of all bytes with the checksum's own as spaces; some old tars took the bytes as signed. */
function checksumsOf(bytes: Buffer): readonly number[] {
  let unsigned = 8 * 32
  let high = 0
  for (let i = 0; i < BLOCK; i++) {
    if (i === 148) i = 156
    const byte = bytes[i]!
    unsigned += byte
    if (byte > 127) high++
  }
  return [unsigned, unsigned - 256 * high]
}

function textIn(bytes: Buffer, from: number, to: number): string {
  const nul = bytes.indexOf(0, from)
  return bytes.toString("utf8", from, nul === -1 || nul > to ? to : nul)
}

/** Octal digits, or as GNU tar has large ones: the first bit set, then a big-endian number of base 256. */
function numberIn(field: Buffer, at: number): number {
  const value = field[0]! & 0x80 ? base256(field) : octal(field)
  if (!Number.isSafeInteger(value)) throw damagedAt(at, "a number in a header is none")
  return value
}

function octal(field: Buffer): number {
  const text = textIn(field, 0, field.length).trim()
  return /^[0-7]*$/.test(text) ? Number.parseInt(text || "0", 8) : Number.NaN
}

function base256(field: Buffer): number {
  const bits = BigInt(field.length * 8)
  const value = BigInt(`0x${field.toString("hex")}`)
  const isNegative = (field[0]! & 0x40) !== 0
  return Number(isNegative ? value - (1n << bits) : value - (1n << (bits - 1n)))
}
