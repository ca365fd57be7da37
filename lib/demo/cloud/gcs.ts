import type { Answer } from "./answer.ts"
import { Refusal } from "./answer.ts"
import type { Call, Operation } from "./call.ts"
import { gcsError } from "./gcs-errors.ts"
import { getMedia } from "./gcs-media.ts"
import { deleteObject, getBucket, getObject, listObjects, patchObject } from "./gcs-objects.ts"
import { cancelSession, openSession, writeSession } from "./gcs-resumable.ts"
import type { Sessions } from "./gcs-sessions.ts"
import { insertObject } from "./gcs-upload.ts"
import type { World } from "./world.ts"

/** What a request asks for, before anybody looks whether it may. */
export type Target = Pick<Call, "operation" | "bucket" | "key">

const PATH = /^\/(upload\/|download\/)?storage\/v1\/b\/([^/]+)(?:\/(o)(?:\/([^/]+))?)?$/

export function isGcsPath(path: string): boolean {
  return (
    path.startsWith("/storage/v1/") ||
    path.startsWith("/upload/storage/v1/") ||
    path.startsWith("/download/storage/v1/")
  )
}

/** @returns operation `gcs.unknown` for whatever the JSON API, or this server, does not have */
export function gcsTarget(verb: string, url: URL, contentRange: string | null, sessions: Sessions): Target {
  const [, area, bucketPart, objects, keyPart] = PATH.exec(url.pathname) ?? []
  const bucket = decoded(bucketPart)
  const key = decoded(keyPart)
  if (bucket === undefined || (keyPart !== undefined && key === undefined)) return target("gcs.unknown")
  if (area === "upload/") return uploadTarget(verb, url, bucket, contentRange, sessions)
  if (key !== undefined) return target(objectOperation(verb, url, area), bucket, key)
  if (area !== undefined || verb !== "GET") return target("gcs.unknown", bucket)
  return target(objects === undefined ? "gcs.bucket" : "gcs.list", bucket)
}

/** The JSON API: preconditions on every verb, hashes, sessions, listings. */
export async function answerGcs(world: World, call: Call): Promise<Answer> {
  switch (call.operation) {
    case "gcs.insert":
      return insertObject(world, call)
    case "gcs.resumable.open":
      return openSession(world, call)
    case "gcs.resumable.write":
    case "gcs.resumable.status":
      return writeSession(world, call)
    case "gcs.resumable.cancel":
      return cancelSession(world, call)
    case "gcs.get":
      return getObject(world, call)
    case "gcs.media":
      return getMedia(world, call)
    case "gcs.list":
      return listObjects(world, call)
    case "gcs.delete":
      return deleteObject(world, call)
    case "gcs.patch":
      return patchObject(world, call)
    case "gcs.bucket":
      return getBucket(world, call)
    default:
      throw new Refusal(gcsError(404, "notFound", "Not Found"))
  }
}

function uploadTarget(
  verb: string,
  url: URL,
  bucket: string,
  contentRange: string | null,
  sessions: Sessions,
): Target {
  const id = url.searchParams.get("upload_id")
  const key = url.searchParams.get("name") ?? undefined
  if (id === null) {
    if (verb !== "POST") return target("gcs.unknown", bucket, key)
    const isSession = url.searchParams.get("uploadType") === "resumable"
    return target(isSession ? "gcs.resumable.open" : "gcs.insert", bucket, key)
  }
  const sessionKey = sessions.find(id)?.upload.key
  if (verb === "DELETE") return target("gcs.resumable.cancel", bucket, sessionKey)
  if (verb !== "PUT") return target("gcs.unknown", bucket, sessionKey)
  const isQuery = contentRange?.startsWith("bytes */") === true
  return target(isQuery ? "gcs.resumable.status" : "gcs.resumable.write", bucket, sessionKey)
}

function objectOperation(verb: string, url: URL, area: string | undefined): Operation {
  if (verb === "GET")
    return url.searchParams.get("alt") === "media"
      ? "gcs.media"
      : area === undefined
        ? "gcs.get"
        : "gcs.unknown"
  if (area !== undefined) return "gcs.unknown"
  if (verb === "DELETE") return "gcs.delete"
  return verb === "PATCH" ? "gcs.patch" : "gcs.unknown"
}

function target(operation: Operation, bucket?: string, key?: string): Target {
  return { operation, bucket, key }
}

function decoded(part: string | undefined): string | undefined {
  if (part === undefined) return undefined
  try {
    return decodeURIComponent(part)
  } catch {
    // A broken percent sequence names nothing that can exist.
    return undefined
  }
}
