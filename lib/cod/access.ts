import { UsageError } from "../support/errors.ts"
import type { SeriesPlace } from "./format/layout.ts"
import type { UidHashFunc } from "./instance.ts"
import type { LockOptions } from "./locking/acquire.ts"
import type { SeriesAccess } from "./reading/series-at.ts"
import type { SyncOptions } from "./writing/sync.ts"

/** How a series is opened. */
export interface CODObjectAccess extends SeriesAccess, SyncOptions, Omit<LockOptions, "clock"> {
  /**
   * Whether to hold the series' lock. There is no default: `false` reads, also while somebody else writes; `true` writes,
   * keeping what is there, and keeps others from it.
   */
  readonly lock: boolean
  /** Whether the UIDs given here are hashed. A stored series says so itself, and that counts. */
  readonly hashedUids?: boolean
  /** For the hashed UIDs of its instances. */
  readonly uidHashFunc?: UidHashFunc | undefined
  /** Whether a series that is not stored is an empty one (`lock`), or an error. */
  readonly createIfMissing?: boolean
  /** Whether to write although an error log says that what is stored is in doubt; the log is deleted (false). */
  readonly overrideErrors?: boolean
  /**
   * Whether a write of the caller's own to this series may have been cut off. `false`: a tar that its metadata do not fit is
   * an error (`TarDisagreesError`) before anything is written. `true`: it is none, and they fit afterwards. In both cases
   * what the tar holds unknown to the metadata gives way to an appended instance of its name. Unless told, nobody knows:
   * what is appended follows whatever the tar holds.
   */
  readonly afterCrash?: boolean | undefined
  /** Whether `withCODObject` uploads what was changed when its callback returns (false). */
  readonly syncOnExit?: boolean
}

export interface CODObjectOptions extends CODObjectAccess {
  /** `gs://bucket/prefix`, `s3://bucket/prefix` or `file:///folder`; may be left out for a `store` that is the datastore. */
  readonly datastore?: string
  readonly studyUid: string
  readonly seriesUid: string
}

/** @throws UsageError when it was not said */
export function requireLockChoice(lock: unknown): void {
  if (typeof lock === "boolean") return
  const said = lock === undefined ? "was not said" : `is ${JSON.stringify(lock)}`
  throw new UsageError(
    `whether to lock the series ${said}: a lock keeps other writers out, reading needs none`,
    "Say lock: false to read the series, also while somebody else writes it, and lock: true to write it.",
  )
}

/** Where the series is. @throws UsageError */
export function placeOf({
  studyUid,
  seriesUid,
  store,
  datastore = store?.uri,
}: CODObjectOptions): SeriesPlace {
  if (datastore === undefined) throw new UsageError("a series needs a datastore, or a store that is one")
  return { datastore: datastore.replace(/\/+$/, ""), studyUid, seriesUid }
}
