import { AppError, type Facts } from "../support/errors.ts"

/** Base of what a store can answer when it does not do what it was asked. `facts` name the store and the key. */
export class StorageError extends AppError {}

/** The object does not exist. */
export class NotFound extends StorageError {
  constructor(message: string, facts: Facts, cause?: unknown) {
    super(message, { verdict: "missing", facts, cause })
  }
}

/** The bucket (or the root folder of a file store) does not exist. */
export class BucketNotFound extends StorageError {
  constructor(message: string, facts: Facts, cause?: unknown) {
    super(message, {
      verdict: "stop",
      facts,
      cause,
      hint: "Check the bucket's name and the project or account it belongs to.",
    })
  }
}

/** The object's generation is not the one that the request demanded (HTTP 412, or 304 on reads). */
export class PreconditionFailed extends StorageError {
  constructor(message: string, facts: Facts, cause?: unknown) {
    super(message, { verdict: "retry", facts, cause })
  }
}

/** The bytes that arrived are not the bytes that the checksum names. */
export class ChecksumMismatch extends StorageError {
  constructor(message: string, facts: Facts, cause?: unknown) {
    super(message, { verdict: "retry", facts, cause })
  }
}

/**
 * The credentials do not permit the call (HTTP 401, 403). Nothing else will succeed either, unless it is known better
 * (`access.ts`): then it is one object's matter, to be tried again.
 */
export class AccessDenied extends StorageError {
  constructor(message: string, facts: Facts, cause?: unknown, verdict: "stop" | "retry" = "stop") {
    super(message, {
      verdict,
      facts,
      cause,
      hint: "Check the credentials and the permissions that README lists for this script.",
    })
  }
}

/** The service or the way to it failed: timeouts, resets, 408, 429, 5xx, a body that broke off. */
export class Unavailable extends StorageError {
  /** What the service asked us to wait before the next try (`Retry-After`), in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, facts: Facts, cause?: unknown, retryAfterMs?: number) {
    super(message, {
      verdict: "retry",
      facts,
      cause,
      hint: "Check the network and the endpoint, then start this again; nothing is lost.",
    })
    this.retryAfterMs = retryAfterMs
  }
}

/** The service refused the request for good (any other 4xx): a defect of ours or a key that it cannot hold. */
export class RequestRefused extends StorageError {
  constructor(message: string, facts: Facts, cause?: unknown) {
    super(message, { verdict: "give-up", facts, cause })
  }
}
