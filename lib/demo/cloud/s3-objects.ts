import { type Answer, Refusal } from "./answer.ts"
import type { StoredObject } from "./buckets.ts"
import type { Call } from "./call.ts"
import { contentRange, requestedSpan, type Span } from "./ranges.ts"
import { authorized } from "./s3-auth.ts"
import { accessDenied, invalidArgument, noSuchKey, s3Error } from "./s3-errors.ts"
import type { World } from "./world.ts"

/**
 * GetObject and HeadObject, which differ only in that the second sends no body.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
export function getObject(world: World, call: Call): Answer {
  const object = readableObject(world, call)
  const etag = `"${object.s3.etag}"`
  const request = call.request.headers
  requireMatch(request.get("if-match"), etag)
  if (listsEtag(request.get("if-none-match"), etag)) {
    return { status: 304, headers: { etag, "last-modified": object.updated.toUTCString() } }
  }
  const part = requestedPart(call, object)
  const span = part ?? requestedSpan(request.get("range"), object.body.size)
  if (span === "unsatisfiable") throw unsatisfiable(request.get("range"), object.body.size)
  const isWhole = span === "whole"
  const headers = objectHeaders(
    object,
    isWhole && request.get("x-amz-checksum-mode")?.toUpperCase() === "ENABLED",
  )
  if (part !== undefined && object.s3.partSize !== undefined) {
    headers["x-amz-mp-parts-count"] = String(partCount(object.body.size, object.s3.partSize))
  }
  if (isWhole) return { status: 200, headers, body: object.body.bytes }
  headers["content-range"] = contentRange(span, object.body.size)
  return { status: 206, headers, body: object.body.bytes.subarray(span.start, span.end) }
}

function readableObject(world: World, call: Call): StoredObject {
  const { bucket, principal } = authorized(world, call)
  const object = bucket.get(call.key!)
  if (object !== undefined) {
    if (!principal.may(bucket.name, "s3:GetObject")) throw accessDenied()
    return object
  }
  // Who may not list does not learn that a key is free.
  throw principal.may(bucket.name, "s3:ListBucket") ? noSuchKey(call.key!) : accessDenied()
}

function requireMatch(header: string | null, etag: string) {
  if (header === null || listsEtag(header, etag)) return
  const message = "At least one of the pre-conditions you specified did not hold"
  throw new Refusal(s3Error(412, "PreconditionFailed", message, { Condition: "If-Match" }))
}

function listsEtag(header: string | null, etag: string): boolean {
  if (header === null) return false
  const listed = header.split(",").map((item) => item.trim())
  // S3 takes ETags without quotes too.
  return listed.includes("*") || listed.includes(etag) || listed.includes(etag.slice(1, -1))
}

/** The bytes of the part that `partNumber` names; an object uploaded in one piece has one part. */
function requestedPart(call: Call, object: StoredObject): Span | undefined {
  const text = call.url.searchParams.get("partNumber")
  if (text === null) return undefined
  if (call.request.headers.has("range")) {
    const message = "Cannot specify both Range header and partNumber query parameter"
    throw new Refusal(s3Error(400, "InvalidRequest", message))
  }
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 10_000) {
    throw invalidArgument("Part number must be an integer between 1 and 10000, inclusive")
  }
  const { size } = object.body
  const partSize = object.s3.partSize ?? size
  const start = (Number(text) - 1) * partSize
  if (start >= size) {
    throw new Refusal(s3Error(416, "InvalidPartNumber", "The requested partnumber is not satisfiable"))
  }
  return { start, end: Math.min(start + partSize, size) }
}

function unsatisfiable(range: string | null, size: number): Refusal {
  const answer = s3Error(416, "InvalidRange", "The requested range is not satisfiable", {
    RangeRequested: range ?? "",
    ActualObjectSize: String(size),
  })
  return new Refusal({ ...answer, headers: { ...answer.headers, "content-range": `bytes */${size}` } })
}

function objectHeaders(object: StoredObject, withChecksum: boolean): Record<string, string> {
  const headers: Record<string, string> = {
    "content-type": object.contentType ?? "binary/octet-stream",
    etag: `"${object.s3.etag}"`,
    "last-modified": object.updated.toUTCString(),
    "accept-ranges": "bytes",
    "x-amz-server-side-encryption": object.s3.kms ? "aws:kms" : "AES256",
  }
  if (object.contentEncoding !== undefined) headers["content-encoding"] = object.contentEncoding
  if (object.cacheControl !== undefined) headers["cache-control"] = object.cacheControl
  // S3 leaves the header out for its default class.
  if (object.storageClass !== "STANDARD") headers["x-amz-storage-class"] = object.storageClass
  for (const [name, value] of Object.entries(object.metadata)) headers[`x-amz-meta-${name}`] = value
  if (withChecksum && object.s3.checksum !== undefined) {
    headers["x-amz-checksum-crc32c"] = object.s3.checksum.crc32c
    headers["x-amz-checksum-type"] = object.s3.checksum.type
  }
  return headers
}

function partCount(size: number, partSize: number): number {
  return Math.max(1, Math.ceil(size / partSize))
}
