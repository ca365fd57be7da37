import { readFileSync } from "node:fs"
import { type Bucket, Storage, type StorageOptions } from "@google-cloud/storage"
import { JWT } from "google-auth-library"
import { UsageError } from "../support/errors.ts"
import { BucketNotFound, RequestRefused } from "./errors.ts"
import type { Asked } from "./failures.ts"
import { failureOfSdk } from "./gcs-failures.ts"
import { inTime } from "./patience.ts"

/** How to reach GCS. Without a key file the SDK looks for application default credentials. */
export interface GcsAccess {
  /** A service account's key (JSON). */
  readonly credentialsPath?: string | undefined
  /** Another service that speaks the JSON API, as an http URL; it is called without credentials. */
  readonly emulatorUrl?: string | undefined
}

export function clientFor({ credentialsPath, emulatorUrl }: GcsAccess, stallMs: number): Storage {
  const storage = new Storage({
    // Retries are `withRetry`'s, so that they are counted and logged in one place.
    retryOptions: { autoRetry: false },
    timeout: stallMs,
    ...(emulatorUrl === undefined ? credentialsFrom(credentialsPath) : { apiEndpoint: emulatorUrl }),
  })
  // With STORAGE_EMULATOR_HOST in the environment the SDK takes its value for the whole base of its URLs.
  storage.baseUrl = `${storage.apiEndpoint}/storage/v1`
  return storage
}

/** Objects and nothing else. https://cloud.google.com/storage/docs/oauth-scopes */
const SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"

function credentialsFrom(path: string | undefined): Pick<StorageOptions, "authClient" | "keyFilename"> {
  if (path === undefined) return {}
  const { type, client_email: email, private_key: key, private_key_id: keyId } = keyFile(path)
  // Other kinds (federated identities) are the SDK's matter; it warns on stderr that it trusts such a file.
  if (type !== "service_account") return { keyFilename: path }
  return { authClient: new JWT({ email, key, keyId, scopes: [SCOPE] }) }
}

function keyFile(path: string): Partial<Record<string, string>> {
  try {
    return JSON.parse(readFileSync(path, "utf8"))
  } catch (cause) {
    // A parser's message may show a piece of the text, and the text is a secret.
    const reason = cause instanceof SyntaxError ? "not JSON" : (cause as Error).message
    throw new UsageError(`${path} is no key file of Google Cloud: ${reason}`, "Check GCS_CREDENTIALS_PATH.")
  }
}

/**
 * A call of the SDK, which knows no signals: one that was given up ends by its own timeout.
 * @throws StorageError, or what `signal` was aborted with
 */
export async function callSdk<T>(
  asked: Asked,
  call: () => Promise<T>,
  stallMs: number,
  signal?: AbortSignal,
): Promise<T> {
  try {
    return await inTime(asked, call, stallMs, signal)
  } catch (cause) {
    throw failureOfSdk(asked, cause, signal)
  }
}

/**
 * False only where it is certain that objects can neither be created nor read. This inquiry needs no right of its own.
 * https://cloud.google.com/storage/docs/json_api/v1/buckets/testIamPermissions
 */
export async function holdsSomeRight(
  asked: Asked,
  bucket: Bucket,
  stallMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const wanted = ["storage.objects.create", "storage.objects.get"]
  try {
    const [granted] = await callSdk(asked, () => bucket.iam.testPermissions(wanted), stallMs, signal)
    return Object.values(granted).includes(true)
  } catch (error) {
    // A service that does not know the inquiry: that the bucket is there is known when this is asked.
    if (error instanceof BucketNotFound || error instanceof RequestRefused) return true
    throw error
  }
}
