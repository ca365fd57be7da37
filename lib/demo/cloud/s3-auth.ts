import { Refusal } from "./answer.ts"
import type { Bucket } from "./buckets.ts"
import type { Call } from "./call.ts"
import type { Principal } from "./roles.ts"
import { accessDenied, noSuchBucket, s3Error } from "./s3-errors.ts"
import { accessKeyOf, isSignedWith } from "./sigv4.ts"
import type { World } from "./world.ts"

/** Who signed the request, and the bucket that it names. */
export function authorized(world: World, call: Call): { bucket: Bucket; principal: Principal } {
  const principal = signer(world, call)
  const bucket = world.buckets.find(call.bucket!)
  if (bucket === undefined) throw noSuchBucket(call.bucket!)
  return { bucket, principal }
}

export function bucketFor(world: World, call: Call, permission: "s3:ListBucket"): Bucket {
  const { bucket, principal } = authorized(world, call)
  if (!principal.may(bucket.name, permission)) throw accessDenied()
  return bucket
}

function signer(world: World, call: Call): Principal {
  const accessKeyId = accessKeyOf(call.request)
  const holder = world.roles.ofAccessKey(accessKeyId)
  if (holder === undefined) {
    const message = "The AWS Access Key Id you provided does not exist in our records."
    throw new Refusal(s3Error(403, "InvalidAccessKeyId", message, { AWSAccessKeyId: accessKeyId ?? "" }))
  }
  if (holder.secretAccessKey !== undefined && !isSignedWith(call.request, holder.secretAccessKey)) {
    const message =
      "The request signature we calculated does not match the signature you provided. Check your key and signing method."
    throw new Refusal(s3Error(403, "SignatureDoesNotMatch", message))
  }
  return holder
}
