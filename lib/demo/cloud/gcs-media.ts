import type { Answer } from "./answer.ts"
import type { StoredObject } from "./buckets.ts"
import type { Call } from "./call.ts"
import { authorized } from "./gcs-auth.ts"
import { gcsErrorOfStatus } from "./gcs-errors.ts"
import { liveObject, NOT_MODIFIED } from "./gcs-objects.ts"
import { isNotModified, preconditionsOf } from "./gcs-preconditions.ts"
import { gcsEtag } from "./gcs-resource.ts"
import { contentRange, requestedSpan } from "./ranges.ts"
import type { World } from "./world.ts"

/** An object's bytes. https://cloud.google.com/storage/docs/json_api/v1/objects/get */
export function getMedia(world: World, call: Call): Answer {
  const object = liveObject(authorized(world, call, "storage.objects.get"), call)
  if (isNotModified(preconditionsOf(call.url.searchParams), object)) return NOT_MODIFIED
  return isTranscoded(object, call.request.headers)
    ? decompressed(object)
    : asStored(object, call.request.headers)
}

function asStored(object: StoredObject, request: Headers): Answer {
  const { bytes, size } = object.body
  const headers = mediaHeaders(object)
  if (object.contentEncoding !== undefined) headers["content-encoding"] = object.contentEncoding
  const span = requestedSpan(request.get("range"), size)
  if (span === "whole") return { status: 200, headers, body: bytes }
  if (span === "unsatisfiable") {
    const refusal = gcsErrorOfStatus(416)
    return { ...refusal, headers: { ...refusal.headers, "content-range": `bytes */${size}` } }
  }
  headers["content-range"] = contentRange(span, size)
  return { status: 206, headers, body: bytes.subarray(span.start, span.end) }
}

/**
 * A gzip object is decompressed for whoever does not accept gzip: without a Content-Length, with the hashes
 * of the stored bytes, and whatever range was asked for. https://cloud.google.com/storage/docs/transcoding
 */
function isTranscoded(object: StoredObject, request: Headers): boolean {
  if (object.contentEncoding !== "gzip" || /\bno-transform\b/.test(object.cacheControl ?? "")) return false
  return !/(?:^|[\s,])gzip(?:$|[\s,;])/.test(request.get("accept-encoding") ?? "")
}

function decompressed(object: StoredObject): Answer {
  const headers = mediaHeaders(object)
  headers.warning = '214 UploadServer "gunzipped"'
  headers.vary = "Accept-Encoding"
  const body = Bun.gunzipSync(object.body.bytes as Uint8Array<ArrayBuffer>)
  return { status: 200, headers, body, chunked: true }
}

function mediaHeaders(object: StoredObject): Record<string, string> {
  return {
    "content-type": object.contentType ?? "application/octet-stream",
    etag: gcsEtag(object),
    "last-modified": object.updated.toUTCString(),
    "accept-ranges": "bytes",
    "x-goog-generation": object.generation,
    "x-goog-metageneration": String(object.metageneration),
    "x-goog-hash": `crc32c=${object.body.crc32c},md5=${object.body.md5}`,
    "x-goog-storage-class": object.storageClass,
    "x-goog-stored-content-encoding": object.contentEncoding ?? "identity",
    "x-goog-stored-content-length": String(object.body.size),
  }
}
