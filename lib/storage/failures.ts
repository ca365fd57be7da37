import { Aborted, AppError } from "../support/errors.ts"
import {
  AccessDenied,
  type BucketNotFound,
  type ChecksumMismatch,
  NotFound,
  PreconditionFailed,
  RequestRefused,
  type StorageError,
  Unavailable,
} from "./errors.ts"

/** What was asked of which store: every message and every error's facts begin with it. */
export interface Asked {
  readonly verb: "head" | "read" | "list" | "write" | "delete" | "probe"
  /** The store's URI. */
  readonly store: string
  readonly key?: string
}

/** What can become of an answer with an error status. */
export type FailureClass =
  | typeof AccessDenied
  | typeof BucketNotFound
  | typeof ChecksumMismatch
  | typeof NotFound
  | typeof PreconditionFailed
  | typeof RequestRefused
  | typeof Unavailable

/** An answer with an error status, as far as the service explained it. */
export interface Refusal {
  readonly status: number
  /** The service's own word for it: S3's `Code`, GCS's `reason`. */
  readonly code?: string | undefined
  readonly message?: string | undefined
  /** The header `Retry-After` as it came: seconds or an HTTP date (RFC 9110, section 10.2.3). */
  readonly retryAfter?: string | null | undefined
  /** Where the service's words say something else than the status alone. */
  readonly means?: FailureClass | undefined
}

/** The storage error for an error answer. */
export function refused(asked: Asked, refusal: Refusal, cause?: unknown): StorageError {
  const { status, code, message, means: Failure = classOfStatus(status) } = refusal
  const facts = { store: asked.store, key: asked.key, status, code }
  const reason = [status, code, message].filter((part) => part !== undefined && part !== "").join(" ")
  const text = `${describe(asked)}: ${reason}`
  if (Failure === Unavailable) return new Unavailable(text, facts, cause, milliseconds(refusal.retryAfter))
  return new Failure(text, facts, cause)
}

/** The error for a call that ended without a usable answer: the caller's own abort, or the service out of reach. */
export function unanswered(asked: Asked, cause: unknown, signal?: AbortSignal): Error {
  if (signal?.aborted) return abortReason(signal)
  if (cause instanceof AppError) return cause
  const facts = { store: asked.store, key: asked.key, code: codeOf(cause) }
  return new Unavailable(`${describe(asked)}: ${reasonOf(cause)}`, facts, cause)
}

/** What an aborted call throws: the reason where it is one of our own errors, else `Aborted` around it. */
export function abortReason(signal: AbortSignal): AppError {
  return signal.reason instanceof AppError ? signal.reason : new Aborted(undefined, signal.reason)
}

/** `read gs://bucket/prefix/a/b.dcm`, `looking at gs://bucket` */
export function describe({ verb, store, key }: Asked): string {
  return `${verb === "probe" ? "looking at" : verb} ${key === undefined ? store : `${store}/${key}`}`
}

function classOfStatus(status: number): FailureClass {
  if (status === 404) return NotFound
  if (status === 401 || status === 403) return AccessDenied
  if (status === 304 || status === 412) return PreconditionFailed
  // 410: a resumable session that the service gave up; a new one may succeed.
  if (status === 408 || status === 410 || status === 429 || status >= 500) return Unavailable
  return RequestRefused
}

function milliseconds(retryAfter: string | null | undefined): number | undefined {
  if (retryAfter === null || retryAfter === undefined || retryAfter === "") return undefined
  const ms = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

/** What a failed call or body says of itself. Bun's messages of broken connections end with advice for programmers. */
export function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause)
  return message.replace(/ For more information, pass `verbose: true`.*/, "")
}

function codeOf(cause: unknown): string | undefined {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  return typeof code === "string" ? code : undefined
}
