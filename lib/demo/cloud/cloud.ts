import type { DirectAccess } from "./direct.ts"
import type { FaultHandle, FaultRule } from "./faults.ts"
import type { RequestLog } from "./log.ts"
import type { Roles } from "./roles.ts"

export interface CloudOptions {
  /**
   * Whether connections can be broken on command (true). Costs one hop through a relay; benchmarks do
   * without, and rules for faults are then refused.
   */
  readonly faults?: boolean
  /**
   * Whether connections serve more than one request (true). Bun's `fetch` repeats GET, PUT and DELETE by
   * itself when a connection that it used before breaks ahead of the answer, once for every such connection
   * that it still has: a test that counts tries sets this to false, and then every fault is seen by the code
   * under test.
   */
  readonly keepAlive?: boolean
  /** Whether the log keeps one entry for every request (true), or counters only. */
  readonly logEntries?: boolean
  /**
   * `discard`: of what is uploaded only size, hashes and metadata are kept, what is `put` here can be read; for
   * benchmarks of many gigabytes.
   */
  readonly sink?: "keep" | "discard"
}

/**
 * A running stand-in for Cloud Storage's JSON API and for reading S3, over one memory store: both services
 * see every bucket. It has what this project uses and refuses the rest: no versions, composing, rewriting or
 * ACLs; of S3 no writes, no conditions on dates and no checksum but CRC32C.
 */
export interface Cloud extends DirectAccess, AsyncDisposable {
  /** Where both services are: for `STORAGE_EMULATOR_HOST` and for `AWS_ENDPOINT_URL` (path-style). */
  readonly url: string
  readonly log: RequestLog
  readonly roles: Roles
  /** Puts a rule in force until it is used up, released or healed. */
  fail(rule: FaultRule): FaultHandle
  /** Ends every rule and lets go of every stalled request. */
  heal(): void
  stop(): Promise<void>
}
