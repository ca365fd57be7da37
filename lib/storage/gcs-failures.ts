import { ApiError } from "@google-cloud/storage"
import { AppError } from "../support/errors.ts"
import { AccessDenied, BucketNotFound, ChecksumMismatch, type StorageError, Unavailable } from "./errors.ts"
import { type Asked, describe, type FailureClass, type Refusal, refused, unanswered } from "./failures.ts"
import type { HttpAnswer } from "./http.ts"

/** The storage error for whatever the SDK threw. */
export function failureOfSdk(asked: Asked, cause: unknown, signal?: AbortSignal): Error {
  if (signal?.aborted || cause instanceof AppError) return unanswered(asked, cause, signal)
  if (!(cause instanceof ApiError)) return failureOfAuth(asked, cause)
  const { code, errors, response } = cause
  // Without a body of its own kind, as from a proxy, the SDK keeps the status elsewhere.
  const status = typeof code === "number" ? code : response?.statusCode
  if (status === undefined) return unanswered(asked, cause)
  const { reason, message = cause.message } = errors?.[0] ?? {}
  const retryAfter = response?.headers?.["retry-after"]
  return refusedByGcs(asked, { status, code: reason, message, retryAfter }, cause)
}

/** The storage error for whatever came instead of a token. */
export function failureOfAuth(asked: Asked, cause: unknown): Error {
  if (!(cause instanceof Error) || isUnreachable(cause)) return unanswered(asked, cause)
  const facts = { store: asked.store, key: asked.key }
  return new AccessDenied(`${describe(asked)}: ${cause.message}`, facts, cause)
}

/**
 * The storage error for an answer to `fetch`, whose body is plain text or JSON as in
 * https://cloud.google.com/storage/docs/json_api/v1/status-codes
 */
export function failureOfAnswer(asked: Asked, { status, headers, text }: HttpAnswer): StorageError {
  return refusedByGcs(asked, { status, retryAfter: headers.get("retry-after"), ...explanation(text) })
}

const NO_BUCKET = /bucket does not exist/i
const WRONG_CHECKSUM = /crc32c|md5/i
const RATE_LIMITED = /^(user)?rateLimitExceeded$/i

function refusedByGcs(asked: Asked, refusal: Refusal, cause?: unknown): StorageError {
  return refused(asked, { ...refusal, means: meaning(asked, refusal) }, cause)
}

function meaning(asked: Asked, { status, code, message = "" }: Refusal): FailureClass | undefined {
  // Where no object is asked for, only the bucket can be missing.
  const asksForObject = asked.verb === "head" || asked.verb === "read" || asked.verb === "delete"
  if (status === 404 && (!asksForObject || NO_BUCKET.test(message))) return BucketNotFound
  if (status === 400 && asked.verb === "write" && WRONG_CHECKSUM.test(message)) return ChecksumMismatch
  if (status === 403 && RATE_LIMITED.test(code ?? "")) return Unavailable
  return undefined
}

function explanation(body: string): { code?: string; message: string } {
  try {
    const { error } = JSON.parse(body) as { error?: { message?: string; errors?: { reason?: string }[] } }
    const reason = error?.errors?.[0]?.reason
    return { message: error?.message ?? body, ...(reason === undefined ? {} : { code: reason }) }
  } catch (cause) {
    if (cause instanceof SyntaxError) return { message: body.trim() }
    throw cause
  }
}

/** The token's issuer could not be asked, other than that it refused or that there are no credentials to ask with. */
function isUnreachable(error: Error): boolean {
  const { status, code } = error as { status?: unknown; code?: unknown }
  if (typeof status === "number") return status === 408 || status === 429 || status >= 500
  if (/^(Fetch|Timeout|Abort)Error$/.test(error.name)) return true
  return typeof code === "string" && /^E[A-Z_]+$/.test(code) && !/^E(NOENT|ACCES|ISDIR|PERM)$/.test(code)
}
