import type { Answer } from "./answer.ts"
import type { ObjectPatch, StoredObject } from "./buckets.ts"
import type { Call } from "./call.ts"
import { type Access, authorized, requirePermission } from "./gcs-auth.ts"
import { invalid, noSuchObject } from "./gcs-errors.ts"
import { jsonAnswer } from "./gcs-json.ts"
import { int64Param, isNotModified, preconditionsOf, requireHolds } from "./gcs-preconditions.ts"
import { bucketResource, objectResource } from "./gcs-resource.ts"
import { parseSpec } from "./gcs-spec.ts"
import { isToken, listPage } from "./pages.ts"
import type { World } from "./world.ts"

const MAX_RESULTS = 1000

export function getBucket(world: World, call: Call): Answer {
  const { bucket } = authorized(world, call, "storage.buckets.get")
  return jsonAnswer(call, bucketResource(bucket.name, bucket.created))
}

export function getObject(world: World, call: Call): Answer {
  const object = liveObject(authorized(world, call, "storage.objects.get"), call)
  if (isNotModified(preconditionsOf(call.url.searchParams), object)) return NOT_MODIFIED
  return jsonAnswer(call, objectResource(object, call.url.origin))
}

/** https://cloud.google.com/storage/docs/json_api/v1/objects/delete */
export function deleteObject(world: World, call: Call): Answer {
  const access = authorized(world, call, "storage.objects.delete")
  const object = liveObject(access, call)
  requireHolds(preconditionsOf(call.url.searchParams), object)
  access.bucket.delete(object.key)
  call.outcome.effect = "deleted"
  call.outcome.generation = object.generation
  return { status: 204, headers: {} }
}

/** Metadata only; the generation stays, the metageneration grows. */
export async function patchObject(world: World, call: Call): Promise<Answer> {
  const access = authorized(world, call, "storage.objects.update")
  const { contentType, contentEncoding, cacheControl, metadata } = parseSpec(await call.body.whole())
  const object = liveObject(access, call)
  requireHolds(preconditionsOf(call.url.searchParams), object)
  const patch: ObjectPatch = {
    ...(contentType === undefined ? {} : { contentType }),
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
    ...(cacheControl === undefined ? {} : { cacheControl }),
    ...(metadata === undefined ? {} : { metadata: { ...object.metadata, ...metadata } }),
  }
  return jsonAnswer(call, objectResource(access.bucket.patch(object, patch), call.url.origin))
}

/** https://cloud.google.com/storage/docs/json_api/v1/objects/list */
export function listObjects(world: World, call: Call): Answer {
  const { bucket } = authorized(world, call, "storage.objects.list")
  const params = call.url.searchParams
  const token = params.get("pageToken") ?? undefined
  if (token !== undefined && !isToken(token)) throw invalid("Invalid page token.")
  const page = listPage(bucket, {
    prefix: params.get("prefix") ?? "",
    delimiter: params.get("delimiter") ?? "",
    from: params.get("startOffset") ?? "",
    after: undefined,
    before: params.get("endOffset") || undefined,
    token,
    limit: maxResults(params),
  })
  return jsonAnswer(call, {
    kind: "storage#objects",
    nextPageToken: page.token,
    prefixes: page.prefixes.length === 0 ? undefined : page.prefixes,
    items:
      page.objects.length === 0
        ? undefined
        : page.objects.map((object) => objectResource(object, call.url.origin)),
  })
}

/** The version that the request means: the live one, which must be the one that `generation` names. */
export function liveObject({ bucket, principal }: Access, call: Call): StoredObject {
  const object = bucket.get(call.key!)
  const generation = int64Param(call.url.searchParams, "generation")
  if (object === undefined || (generation !== undefined && generation !== object.generation)) {
    // Who may not list does not learn that a name is free.
    requirePermission(principal, bucket.name, "storage.objects.list")
    throw noSuchObject(bucket.name, call.key!)
  }
  return object
}

export const NOT_MODIFIED: Answer = { status: 304, headers: {} }

function maxResults(params: URLSearchParams): number {
  const value = int64Param(params, "maxResults")
  if (value === "0") throw invalid("Invalid value for: maxResults must be positive.")
  return value === undefined ? MAX_RESULTS : Math.min(Number(value), MAX_RESULTS)
}
