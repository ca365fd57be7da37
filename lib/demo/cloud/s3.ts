import { type Answer, Refusal } from "./answer.ts"
import type { Call } from "./call.ts"
import type { Target } from "./gcs.ts"
import { bucketFor } from "./s3-auth.ts"
import { s3Error } from "./s3-errors.ts"
import { listObjects } from "./s3-list.ts"
import { getObject } from "./s3-objects.ts"
import type { World } from "./world.ts"

/** Path-style addressing: `/bucket/key`. Reading only; everything else is `s3.unknown`. */
export function s3Target(verb: string, url: URL): Target {
  const [, bucket, key] = /^\/([^/]+)(?:\/(.*))?$/s.exec(decodedPath(url)) ?? []
  if (bucket === undefined) return { operation: "s3.unknown", bucket: undefined, key: undefined }
  if (key !== undefined && key !== "") {
    const operation = verb === "GET" ? "s3.get" : verb === "HEAD" ? "s3.head" : "s3.unknown"
    return { operation, bucket, key }
  }
  if (verb === "HEAD") return { operation: "s3.head-bucket", bucket, key: undefined }
  const isList = verb === "GET" && url.searchParams.get("list-type") === "2"
  return { operation: isList ? "s3.list" : "s3.unknown", bucket, key: undefined }
}

export function answerS3(world: World, call: Call): Answer {
  switch (call.operation) {
    case "s3.get":
    case "s3.head":
      return getObject(world, call)
    case "s3.list":
      return listObjects(world, call)
    case "s3.head-bucket":
      bucketFor(world, call, "s3:ListBucket")
      return { status: 200, headers: { "x-amz-bucket-region": "us-east-1" } }
    default: {
      const message = "The specified method is not allowed against this resource."
      throw new Refusal(s3Error(405, "MethodNotAllowed", message, { Method: call.request.method }))
    }
  }
}

function decodedPath(url: URL): string {
  try {
    return decodeURIComponent(url.pathname)
  } catch {
    // A broken percent sequence names nothing that can exist.
    return ""
  }
}
