import type { RetryPolicy } from "../storage/backoff.ts"
import type { OpenOptions } from "../storage/open.ts"
import type { Config } from "../support/config.ts"
import type { Log } from "../support/log.ts"
import type { Progress } from "../support/progress.ts"
import type { Stop } from "../support/stop.ts"
import type { Limits } from "./copy/limits.ts"

/** What a script was started with; the context of `main` is one. */
export interface Start<Parts extends keyof Config> {
  readonly script: string
  /** Its words as they were typed. */
  readonly words: readonly string[]
  readonly config: Pick<Config, Parts>
  readonly log: Log
  readonly progress: Progress
  readonly stop: Stop
  readonly dryRun: boolean
  /** The cohort whose doctors are taken; wins over the configured one. */
  readonly pinCohort?: number | undefined
  /** Only while no other run of this script is alive. */
  readonly alone?: boolean
  /** Of this run, beside what the configuration limits. */
  readonly limits?: Limits
  /** How patient it is with what is unavailable. */
  readonly retry?: RetryPolicy
}

export type DiscoverParts = "ledger" | "database" | "ranking"
/** What a copy is configured by. */
export const COPY_PARTS = [
  "ledger",
  "database",
  "ranking",
  "origin",
  "destination",
  "s3",
  "gcs",
  "copy",
  // Receipts name the series of each file.
  "cod",
  "ingest",
] as const satisfies readonly (keyof Config)[]
export type CopyParts = (typeof COPY_PARTS)[number]

/** What packing is configured by. */
export const INGEST_PARTS = [
  "ledger",
  "destination",
  "gcs",
  "copy",
  "cod",
  "ingest",
] as const satisfies readonly (keyof Config)[]
export type IngestParts = (typeof INGEST_PARTS)[number]

export type AdoptParts = "ledger" | "origin" | "destination" | "s3" | "gcs" | "copy"
export type VerifyParts = "ledger" | "destination" | "gcs" | "copy" | "cod"

/** How stores are opened for a script. */
export function storeOptions({
  config,
  log,
  retry,
}: Pick<Start<never>, "log" | "retry"> & { readonly config: Partial<Config> }): OpenOptions {
  const { s3, gcs, copy } = config
  return {
    ...(s3 && { s3 }),
    ...(gcs && { gcs }),
    ...(retry && { retry }),
    ...(copy && { stallMs: copy.stallSeconds * 1000 }),
    onRetry: ({ error, ...facts }) => log.warn({ err: error, ...facts }, "asking again"),
    ...(log.isLevelEnabled("debug") && { onCall: (call) => log.debug(call, "asked") }),
  }
}
