import { fileURLToPath } from "node:url"
import { UsageError } from "../support/errors.ts"
import type { RetryPolicy } from "./backoff.ts"
import { openFileStore } from "./file.ts"
import { openGcs } from "./gcs.ts"
import type { GcsAccess } from "./gcs-sdk.ts"
import { hasDotSegment } from "./keys.ts"
import { withByteRate } from "./limit.ts"
import { type Call, withObserver } from "./observe.ts"
import { type RetryEvent, withRetry } from "./retry.ts"
import { openS3, type S3Access } from "./s3.ts"
import type { ObjectSource, ObjectStore, Opened } from "./store.ts"

export interface OpenOptions {
  readonly s3?: S3Access
  readonly gcs?: GcsAccess
  /** A service that is silent for so long is given up. */
  readonly stallMs?: number
  /** All bodies of a place to read from bring no more than this; without it they are not looked at. */
  readonly bytesPerSecond?: number | undefined
  readonly retry?: RetryPolicy
  readonly onRetry?: (event: RetryEvent) => void
  /** Told of every call, also of those that are repeated; without it calls are not looked at. */
  readonly onCall?: ((call: Call) => void) | undefined
}

/**
 * Opens a place to read from: `s3://bucket`, `gs://bucket` or `file:///folder`; buckets also with a prefix that all keys
 * are below. Nothing is asked of it yet. Its calls are repeated while it is unavailable.
 * @throws UsageError for any other URI
 */
export function openSource(uri: string, options: OpenOptions = {}): Opened<ObjectSource> {
  const { bytesPerSecond, retry, onRetry } = options
  const source = withRetry(unlimitedSource(uri, options), retry, onRetry)
  return bytesPerSecond === undefined ? source : withByteRate(source, bytesPerSecond)
}

function unlimitedSource(uri: string, { s3, gcs, stallMs, onCall }: OpenOptions): Opened<ObjectSource> {
  const place = placeNamed(uri)
  if ("folder" in place) return observed(openFileStore(place.folder, { mustExist: true }), onCall)
  if (place.scheme === "s3") return observed(openS3({ ...s3, ...place, stallMs }), onCall)
  return observed(openGcs({ ...gcs, ...place, stallMs }), onCall)
}

function observed<S extends ObjectSource>(store: S, onCall: OpenOptions["onCall"]): S {
  return onCall === undefined ? store : withObserver(store, onCall)
}

/**
 * Opens a place to write to: `gs://bucket`, also with a prefix, or `file:///folder`.
 * @throws UsageError for any other URI: S3 is only ever read
 */
export function openStore(uri: string, options: OpenOptions = {}): Opened<ObjectStore> {
  const { gcs, stallMs, retry, onRetry, onCall } = options
  const place = placeNamed(uri)
  if ("folder" in place) return withRetry(observed(openFileStore(place.folder), onCall), retry, onRetry)
  if (place.scheme === "s3") throw unusable(uri, "S3 is only ever read", "gs://bucket or file:///folder")
  return withRetry(observed(openGcs({ ...gcs, ...place, stallMs }), onCall), retry, onRetry)
}

type Place =
  | { readonly scheme: "s3" | "gs"; readonly bucket: string; readonly prefix: string }
  | { readonly folder: string }

/** Names of buckets have lower-case letters, digits, `.`, `-` and, at GCS, `_`. */
const BUCKET_URI = /^(s3|gs):\/\/([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])(?:\/(.*))?$/s

function placeNamed(uri: string): Place {
  const [, scheme, bucket, path = ""] = BUCKET_URI.exec(uri) ?? []
  if (scheme !== undefined && bucket !== undefined) {
    const prefix = path.replace(/\/+$/, "")
    // A prefix is put before keys as it is, not decoded: the same text as in the console of the service.
    if (!prefix.startsWith("/") && !hasDotSegment(prefix) && !/\p{Cc}/u.test(prefix)) {
      return { scheme: scheme as "s3" | "gs", bucket, prefix }
    }
  }
  if (/^file:\/\/\/[^?#]*$/.test(uri)) return { folder: folderOf(uri) }
  throw unusable(uri, "it is no place for objects", "s3://bucket, gs://bucket or file:///folder")
}

function folderOf(uri: string): string {
  try {
    return fileURLToPath(uri)
  } catch (cause) {
    throw unusable(uri, (cause as Error).message, "file:///folder")
  }
}

function unusable(uri: string, why: string, expected: string): UsageError {
  return new UsageError(`${JSON.stringify(uri)} cannot be used: ${why}`, `Expected ${expected}.`)
}
