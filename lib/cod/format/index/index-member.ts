/** One row of an index: where a member of the tar lies. Offsets and sizes in bytes. */
export interface IndexMember {
  /** Path and name, without a leading slash: `instances/1.2.3.dcm`. */
  readonly name: string
  readonly headerStart: number
  readonly start: number
  readonly size: number
  /** Seconds since 1970. */
  readonly mtime: number
  /** Permission and file type bits, as `stat` has them. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly linkname: string
}

/** Size in bytes and time of the last change (seconds since 1970) of the tar that an index belongs to. */
export interface TarStats {
  readonly size: number
  readonly mtime: number
}

/** What an index.sqlite says. */
export interface TarIndex {
  /** Version of the index's format; undefined when it does not say. */
  readonly version: string | undefined
  /** All but folders, in the order of the rows. */
  readonly members: readonly IndexMember[]
  readonly folders: readonly string[]
  /** The table of that name, first value of each key. */
  readonly metadata: ReadonlyMap<string, string>
  /** What the tar was when the index was made, as far as the index says. */
  readonly tar: Partial<TarStats>
}
