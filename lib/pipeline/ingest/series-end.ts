import type { ThumbnailEnd } from "../../cod/index.ts"
import type { PackedFile } from "../../ledger/cod/instances.ts"

/** What became of one series. */
export interface SeriesEnd {
  readonly outcome: "packed" | "failed" | "held by another run"
  readonly files: readonly PackedFile[]
  /** What failed, in words for people. */
  readonly errors: readonly string[]
  /** Whether somebody else had overwritten what was packed before. */
  readonly wasLost?: boolean
  /** What came of its thumbnail; undefined when none was to be made. */
  readonly thumbnail?: ThumbnailEnd["outcome"] | undefined
}
