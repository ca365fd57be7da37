import type { MetadataVersion, ThumbnailAtIngest, UidHashFunc } from "../../cod/index.ts"
import type { GroupCommit } from "../../ledger/group-commit.ts"
import type { Ledger } from "../../ledger/open.ts"
import type { ObjectStore } from "../../storage/store.ts"
import type { Log } from "../../support/log.ts"
import type { Hold, Semaphore } from "../../support/pool.ts"
import type { Progress } from "../../support/progress.ts"
import type { KeptFiles } from "./kept-files.ts"

/** What packing needs; all of it is opened and closed elsewhere. */
export interface IngestDeps {
  readonly ledger: Ledger
  readonly commits: GroupCommit
  readonly runId: number
  /** Where the raw copies are. */
  readonly destination: ObjectStore
  /** Where the series go; its URI is the datastore's. */
  readonly datastore: ObjectStore
  /** Makes UIDs of paths and keys; without it they are those of the files. */
  readonly uidHashFunc: UidHashFunc | undefined
  readonly lockNames: readonly string[]
  readonly metadataVersion: MetadataVersion
  /** Series that are packed at a time. */
  readonly packing: Semaphore
  /** How thumbnails are made; undefined: none is. */
  readonly thumbnails: ThumbnailAtIngest | undefined
  /** Two studies may have files of one series: who comes second waits. */
  readonly inTurn: (seriesNo: number, signal?: AbortSignal) => Promise<Hold>
  /** Files that the copy of this run left on the box. */
  readonly kept: KeptFiles | undefined
  readonly log: Log
}

/** What the step needs beside: it is told how far it is. */
export interface IngestStepDeps extends IngestDeps {
  readonly progress: Progress
}
