import { Refusal } from "./answer.ts"
import type { Bucket } from "./buckets.ts"
import type { Call } from "./call.ts"
import { gcsError, noSuchBucket } from "./gcs-errors.ts"
import type { Permission, Principal } from "./roles.ts"
import type { World } from "./world.ts"

export interface Access {
  readonly bucket: Bucket
  readonly principal: Principal
}

/** The request's bucket and caller, who is allowed `permission` there. */
export function authorized(world: World, call: Call, permission: Permission): Access {
  const principal = caller(world, call)
  const bucket = world.buckets.find(call.bucket!)
  if (bucket === undefined) throw noSuchBucket()
  requirePermission(principal, bucket.name, permission)
  return { bucket, principal }
}

/** Anonymous callers are told to say who they are (401), others that they may not (403). */
export function requirePermission(principal: Principal, bucket: string, permission: Permission) {
  if (principal.may(bucket, permission)) return
  const what = permission.startsWith("storage.objects.") ? "object" : "bucket"
  const message =
    `${principal.name} does not have ${permission} access to the Google Cloud Storage ${what}. ` +
    `Permission '${permission}' denied on resource (or it may not exist).`
  const where = { locationType: "header", location: "Authorization" }
  throw new Refusal(
    principal.anonymous ? gcsError(401, "required", message, where) : gcsError(403, "forbidden", message),
  )
}

/** Whoever holds the request's bearer token. */
function caller(world: World, call: Call): Principal {
  const header = call.request.headers.get("authorization")
  const token = header === null ? undefined : /^Bearer (\S+)$/i.exec(header)?.[1]
  const principal = header !== null && token === undefined ? undefined : world.roles.ofToken(token)
  if (principal !== undefined) return principal
  const where = { locationType: "header", location: "Authorization" }
  throw new Refusal(gcsError(401, "authError", "Invalid Credentials", where))
}
