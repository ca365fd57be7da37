import type { Bucket, Buckets } from "./buckets.ts"
import { type ObjectView, objectView, type PutOptions, toNewObject } from "./objects.ts"

/** The stored objects as they are, past permissions, preconditions and the log. */
export interface DirectAccess {
  createBucket(name: string): void
  /** Stores an object whatever was there, with what its uploader could have chosen. */
  put(bucket: string, key: string, bytes: Uint8Array | string, options?: PutOptions): ObjectView
  describe(bucket: string, key: string): ObjectView | undefined
  /** The object with its bytes. */
  get(bucket: string, key: string): (ObjectView & { readonly bytes: Uint8Array }) | undefined
  /** In the order of their UTF-8 bytes. */
  keys(bucket: string, prefix?: string): string[]
  /** False where there was nothing. */
  delete(bucket: string, key: string): boolean
  /** Flips a bit of the stored bytes and leaves every hash as it was. */
  corrupt(bucket: string, key: string): void
}

/** First parts of the paths that mean something else than a bucket's path-style address. */
const RESERVED = new Set(["storage", "upload", "download"])

export function directAccess(buckets: Buckets): DirectAccess {
  const named = (name: string): Bucket => {
    const bucket = buckets.find(name)
    if (bucket === undefined) throw new Error(`no bucket ${name}: call createBucket first`)
    return bucket
  }
  return {
    createBucket(name) {
      if (!/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/.test(name) || RESERVED.has(name)) {
        throw new Error(`not a name for a bucket here: ${name}`)
      }
      buckets.create(name)
    },
    put: (bucket, key, bytes, options = {}) =>
      objectView(named(bucket).put(toNewObject(buckets.bodies, bucket, key, bytes, options))),
    describe(bucket, key) {
      const object = named(bucket).get(key)
      return object === undefined ? undefined : objectView(object)
    },
    get(bucket, key) {
      const object = named(bucket).get(key)
      return object === undefined ? undefined : { ...objectView(object), bytes: object.body.bytes }
    },
    keys: (bucket, prefix = "") =>
      named(bucket)
        .keys()
        .filter((key) => key.startsWith(prefix)),
    delete: (bucket, key) => named(bucket).delete(key),
    corrupt: (bucket, key) => named(bucket).rot(key),
  }
}
