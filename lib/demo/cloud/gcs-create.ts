import type { StoredObject } from "./buckets.ts"
import type { Outcome } from "./call.ts"
import { requirePermission } from "./gcs-auth.ts"
import { invalid, noSuchBucket } from "./gcs-errors.ts"
import { requireHolds } from "./gcs-preconditions.ts"
import type { ObjectSpec, Upload } from "./gcs-spec.ts"
import type { World } from "./world.ts"

/**
 * Makes bytes visible as an object, or refuses them. Everything is decided here and in one turn of the event
 * loop, whatever was checked when the upload began.
 */
export function createObject(
  world: World,
  upload: Upload,
  pieces: readonly Uint8Array[],
  headerHashes: Pick<ObjectSpec, "md5Hash" | "crc32c">,
  outcome: Outcome,
): StoredObject {
  const bucket = world.buckets.find(upload.bucket)
  if (bucket === undefined) throw noSuchBucket()
  const body = world.buckets.bodies.intern(pieces)
  for (const named of [upload.spec, headerHashes]) {
    requireSame("CRC32C", named.crc32c, body.crc32c)
    requireSame("MD5", named.md5Hash, body.md5)
  }
  const live = bucket.get(upload.key)
  requireHolds(upload.preconditions, live)
  if (live !== undefined) requirePermission(upload.principal, bucket.name, "storage.objects.delete")
  const {
    contentType = upload.contentType,
    contentEncoding,
    cacheControl,
    storageClass,
    metadata,
  } = upload.spec
  const stored = bucket.put({
    bucket: bucket.name,
    key: upload.key,
    body,
    ...(contentType === undefined ? {} : { contentType }),
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
    ...(cacheControl === undefined ? {} : { cacheControl }),
    ...(storageClass === undefined ? {} : { storageClass }),
    ...(metadata === undefined ? {} : { metadata }),
  })
  outcome.key = stored.key
  outcome.effect = live === undefined ? "created" : "replaced"
  outcome.generation = stored.generation
  outcome.metadata = stored.metadata
  return stored
}

function requireSame(what: "CRC32C" | "MD5", named: string | undefined, actual: string) {
  if (named === undefined || named === actual) return
  const kind = what === "MD5" ? "MD5 hash" : "CRC32C"
  throw invalid(`Provided ${kind} "${named}" doesn't match calculated ${kind} "${actual}".`)
}
