import { type Answer, Refusal } from "./answer.ts"

/**
 * Error answers in the JSON API's form.
 * https://cloud.google.com/storage/docs/json_api/v1/status-codes
 */
export function gcsError(
  status: number,
  reason: string,
  message: string,
  where?: { locationType: string; location: string },
): Answer {
  return {
    status,
    headers: { "content-type": "application/json; charset=UTF-8" },
    body: JSON.stringify({
      error: { code: status, message, errors: [{ message, domain: "global", reason, ...where }] },
    }),
  }
}

export function noSuchBucket(): Refusal {
  return new Refusal(gcsError(404, "notFound", "The specified bucket does not exist."))
}

export function noSuchObject(bucket: string, key: string): Refusal {
  return new Refusal(gcsError(404, "notFound", `No such object: ${bucket}/${key}`))
}

export function invalid(message: string): Refusal {
  return new Refusal(gcsError(400, "invalid", message))
}

export function preconditionFailed(): Refusal {
  const message = "At least one of the pre-conditions you specified did not hold."
  const where = { locationType: "header", location: "If-Match" }
  return new Refusal(gcsError(412, "conditionNotMet", message, where))
}

/** The answer to a fault or to anything that the service itself would answer with `status`. */
export function gcsErrorOfStatus(status: number): Answer {
  const [reason, message] = REASONS[status] ?? ["backendError", "Backend Error"]
  return gcsError(status, reason, message)
}

const REASONS: Readonly<Record<number, readonly [reason: string, message: string]>> = {
  400: ["badRequest", "Bad Request"],
  401: ["authError", "Invalid Credentials"],
  403: ["forbidden", "Access denied."],
  404: ["notFound", "Not Found"],
  408: ["requestTimeout", "Request timed out. Please retry."],
  409: ["conflict", "The request conflicts with another one."],
  410: ["gone", "The upload session is no longer available."],
  412: ["conditionNotMet", "At least one of the pre-conditions you specified did not hold."],
  416: ["requestedRangeNotSatisfiable", "The requested range cannot be satisfied."],
  429: [
    "rateLimitExceeded",
    "The object exceeded the rate limit for object mutation operations (create, update, and delete).",
  ],
  500: ["internalError", "We encountered an internal error. Please try again."],
}
