import type { Incoming } from "../incoming.ts"

/** Names a file in the ledger. */
export interface FileNo {
  readonly studyId: string
  readonly position: number
}

/**
 * Files that are at the destination and stay in the spool until their series are packed, as far as there is room: who
 * waits for room gets that of files whose turn is not yet.
 */
export interface KeptFiles extends Disposable {
  /** Takes over a body that is at the destination now; where there is no room for it, it goes. Never fails. */
  keep(file: FileNo, crc32c: string, incoming: Incoming): Promise<void>
  /** The file of just these bytes, which does not go away before this is disposed of; undefined when it is not here. */
  use(file: FileNo, crc32c: string): KeptFile | undefined
  /** The study is being packed: its files are given up for nobody. They go when this is disposed of. */
  packing(studyId: string): Disposable
}

/** A file on this box. */
export interface KeptFile extends Disposable {
  readonly path: string
}
