import { S3ServiceException } from "@aws-sdk/client-s3"
import { AppError, UsageError } from "../support/errors.ts"
import { AccessDenied, BucketNotFound, RequestRefused, type StorageError, Unavailable } from "./errors.ts"
import { type Asked, describe, type FailureClass, type Refusal, refused, unanswered } from "./failures.ts"
import type { HttpAnswer } from "./http.ts"

/**
 * Codes that say something else than their status does.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
const MEANING: Readonly<Record<string, FailureClass>> = {
  NoSuchBucket: BucketNotFound,
  // The bucket is in another region: nothing will be found here, whatever the key.
  PermanentRedirect: BucketNotFound,
  AuthorizationHeaderMalformed: BucketNotFound,
  ExpiredToken: AccessDenied,
  InvalidToken: AccessDenied,
  TokenRefreshRequired: AccessDenied,
  // The object is archived: that is its matter alone, where other refusals with 403 concern all objects.
  InvalidObjectState: RequestRefused,
  RequestTimeout: Unavailable,
}

/** The storage error for whatever the SDK threw. */
export function failureOfSdk(asked: Asked, cause: unknown, signal?: AbortSignal): Error {
  if (signal?.aborted || cause instanceof AppError) return unanswered(asked, cause, signal)
  if (cause instanceof S3ServiceException && cause.$metadata.httpStatusCode !== undefined) {
    const { name: code, message, $response } = cause
    const retryAfter = $response?.headers["retry-after"]
    return refusedByS3(asked, { status: cause.$metadata.httpStatusCode, code, message, retryAfter }, cause)
  }
  if (!(cause instanceof Error)) return unanswered(asked, cause)
  if (/^(CredentialsProvider|TokenProvider)Error$/.test(cause.name)) {
    const facts = { store: asked.store, key: asked.key }
    return new AccessDenied(`${describe(asked)}: ${cause.message}`, facts, cause)
  }
  if (cause.message === "Region is missing") {
    return new UsageError(`no AWS region for ${asked.store}`, "Set AWS_REGION_NAME to the bucket's region.")
  }
  return unanswered(asked, cause)
}

/** The storage error for an answer to `fetch`, whose body is the XML of an error. */
export function failureOfAnswer(asked: Asked, answer: HttpAnswer): StorageError {
  return refusedByS3(asked, {
    status: answer.status,
    code: element(answer.text, "Code"),
    message: element(answer.text, "Message"),
    retryAfter: answer.headers.get("retry-after"),
  })
}

function refusedByS3(asked: Asked, refusal: Refusal, cause?: unknown): StorageError {
  const means = refusal.status === 301 ? BucketNotFound : MEANING[refusal.code ?? ""]
  return refused(asked, { ...refusal, means }, cause)
}

function element(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
}
