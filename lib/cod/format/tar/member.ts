/** What a member is. `file` alone has bytes that make sense by themselves; nothing else is ever opened. */
export type TarType =
  | "file"
  | "hardlink"
  | "symlink"
  | "character-device"
  | "block-device"
  | "directory"
  | "fifo"
  | "sparse"
  | "other"

/** Which of its extensions a member's headers use; `ustar` and `v7` for none. */
export type TarFormat = "pax" | "gnu" | "ustar" | "v7"

/** One member of a tar. Offsets and sizes are in bytes, from the tar's first one. */
export interface TarMember {
  /** Without a leading `/` or `./`, and without a directory's trailing slash. */
  readonly name: string
  readonly type: TarType
  /** The typeflag as the header has it, one character: `0` for a file. */
  readonly typeflag: string
  /** Of the first header block: the pax or GNU one if there is one. */
  readonly headerStart: number
  /** Of the data. */
  readonly start: number
  /** Of the data as stored; 0 for links and other types without any. */
  readonly size: number
  /** Behind the data's padding: where the next member's headers stand. */
  readonly end: number
  /** Seconds since 1970, with the fraction that a pax record keeps. */
  readonly mtime: number
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly uname: string
  readonly gname: string
  /** Where a link leads, else empty. */
  readonly linkname: string
  readonly format: TarFormat
}

/** A regular file that is to be written. */
export interface TarEntry {
  readonly name: string
  readonly size: number
  /** Seconds since 1970. */
  readonly mtime: number
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly uname?: string
  readonly gname?: string
}

/** Everything in a tar is made of these: headers, data with its padding, the two of zeros at the end. */
export const BLOCK = 512
