import { type Answer, Refusal } from "./answer.ts"
import { escapeXml, xmlDocument } from "./s3-xml.ts"

/**
 * Error answers in S3's form.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
export function s3Error(
  status: number,
  code: string,
  message: string,
  details: Readonly<Record<string, string>> = {},
): Answer {
  const rest = Object.entries(details).map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`)
  return {
    status,
    headers: { "content-type": "application/xml" },
    body: xmlDocument(
      `<Error><Code>${code}</Code><Message>${escapeXml(message)}</Message>${rest.join("")}</Error>`,
    ),
  }
}

export function noSuchKey(key: string): Refusal {
  return new Refusal(s3Error(404, "NoSuchKey", "The specified key does not exist.", { Key: key }))
}

export function noSuchBucket(bucket: string): Refusal {
  const message = "The specified bucket does not exist"
  return new Refusal(s3Error(404, "NoSuchBucket", message, { BucketName: bucket }))
}

export function accessDenied(): Refusal {
  return new Refusal(s3Error(403, "AccessDenied", "Access Denied"))
}

export function invalidArgument(message: string): Refusal {
  return new Refusal(s3Error(400, "InvalidArgument", message))
}

/** The answer to a fault that only names a status. */
export function s3ErrorOfStatus(status: number): Answer {
  const [code, message] = CODES[status] ?? [
    "InternalError",
    "We encountered an internal error. Please try again.",
  ]
  return s3Error(status, code, message)
}

const CODES: Readonly<Record<number, readonly [code: string, message: string]>> = {
  400: ["RequestTimeout", "Your socket connection to the server was not read from or written to in time."],
  403: ["AccessDenied", "Access Denied"],
  404: ["NoSuchKey", "The specified key does not exist."],
  412: ["PreconditionFailed", "At least one of the pre-conditions you specified did not hold"],
  416: ["InvalidRange", "The requested range is not satisfiable"],
  429: ["TooManyRequests", "Please reduce your request rate."],
  503: ["SlowDown", "Please reduce your request rate."],
}
