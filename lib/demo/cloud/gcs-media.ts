import type { Answer } from "./answer.ts"
import type { StoredObject } from "./buckets.ts"
import type { Call } from "./call.ts"
import { bucketFor } from "./gcs-auth.ts"
import { gcsErrorOfStatus } from "./gcs-errors.ts"
import { liveObject, NOT_MODIFIED } from "./gcs-objects.ts"
import { isNotModified, preconditionsOf } from "./gcs-preconditions.ts"
import { gcsEtag } from "./gcs-resource.ts"
import { contentRange, requestedSpan } from "./ranges.ts"
import type { World } from "./world.ts"

/** An object's bytes. https://cloud.google.com/storage/docs/json_api/v1/objects/get */
export function getMedia(world: World, call: Call): Answer {
  const object = liveObject(bucketFor(world, call, "storage.objects.get"), call)
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
 * A gzip object is decompressed for whoever does not accept gzip; a Range header is then ignored, and the hashes
 * are still those of the stored bytes. https://cloud.google.com/storage/docs/transcoding
 */
function isTranscoded(object: StoredObject, request: Headers): boolean {
  if (object.contentEncoding !== "gzip" || /\bno-transform\b/.test(object.cacheControl ?? "")) return false
  return !/(?:^|[\s,])gzip(?:$|[\s,;])/.test(request.get("accept-encoding") ?? "")
}

function decompressed(object: StoredObject): Answer {
  const headers = mediaHeaders(object)
  headers.warning = '214 UploadServer "gunzipped"'
  headers.vary = "Accept-Encoding"
  // Copied: the runtime's types want bytes that are not shared between threads.
  return { status: 200, headers, body: Bun.gunzipSync(new Uint8Array(object.body.bytes)) }
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
