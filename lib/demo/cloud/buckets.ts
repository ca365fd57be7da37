import { type Bodies, type Body, rotten } from "./bodies.ts"
import { compareKeys } from "./key-order.ts"

/** One live object. Versions are not kept: what is replaced or deleted is gone. */
export interface StoredObject {
  readonly bucket: string
  readonly key: string
  readonly body: Body
  /** Microseconds since 1970, strictly increasing over the whole server; 16 digits, as GCS has it. */
  readonly generation: string
  readonly metageneration: number
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
  readonly cacheControl: string | undefined
  readonly storageClass: string
  readonly metadata: Readonly<Record<string, string>>
  readonly created: Date
  readonly updated: Date
  readonly s3: S3Facts
}

/** What S3 says of an object beyond its bytes. */
export interface S3Facts {
  /** Without quotes. The MD5 in hex only for an object uploaded in one piece and not encrypted by KMS. */
  readonly etag: string
  /** Set for an object uploaded in parts of this size. */
  readonly partSize: number | undefined
  readonly kms: boolean
  /** A checksum is answered only for objects that were uploaded with one. */
  readonly checksum: { readonly type: "FULL_OBJECT" | "COMPOSITE"; readonly crc32c: string } | undefined
}

export type NewObject = Pick<StoredObject, "bucket" | "key" | "body"> &
  Partial<
    Pick<
      StoredObject,
      "contentType" | "contentEncoding" | "cacheControl" | "storageClass" | "metadata" | "s3"
    >
  >

/** Changed by a metadata update; whatever is left out stays as it is. */
export type ObjectPatch = Partial<
  Pick<StoredObject, "contentType" | "contentEncoding" | "cacheControl" | "metadata">
>

export interface Buckets {
  readonly bodies: Bodies
  create(bucket: string): void
  /** `undefined` where there is no such bucket. */
  find(bucket: string): Bucket | undefined
  readonly names: readonly string[]
}

export interface Bucket {
  readonly name: string
  readonly created: Date
  get(key: string): StoredObject | undefined
  put(object: NewObject): StoredObject
  patch(object: StoredObject, patch: ObjectPatch): StoredObject
  /** Flips one bit of the stored bytes and leaves every hash as it was. */
  rot(key: string): void
  delete(key: string): boolean
  /** In the order of their UTF-8 bytes. */
  keys(): readonly string[]
}

/**
 * Buckets in memory. Every change happens within one turn of the event loop: compare and swap needs no lock.
 */
export function openBuckets(bodies: Bodies): Buckets {
  const buckets = new Map<string, Bucket>()
  const nextGeneration = generations()
  return {
    bodies,
    create(name) {
      if (!buckets.has(name)) buckets.set(name, openBucket(name, nextGeneration))
    },
    find: (name) => buckets.get(name),
    get names() {
      return [...buckets.keys()]
    },
  }
}

function generations(): () => string {
  let last = 0
  return () => {
    last = Math.max(last + 1, Date.now() * 1000)
    return String(last)
  }
}

function openBucket(name: string, nextGeneration: () => string): Bucket {
  const objects = new Map<string, StoredObject>()
  let sorted: readonly string[] | undefined
  return {
    name,
    created: new Date(),
    get: (key) => objects.get(key),
    put(object) {
      if (!objects.has(object.key)) sorted = undefined
      const stored = freshObject(object, nextGeneration())
      objects.set(object.key, stored)
      return stored
    },
    patch(object, patch) {
      const patched = {
        ...object,
        ...patch,
        metageneration: object.metageneration + 1,
        updated: new Date(),
      }
      objects.set(object.key, patched)
      return patched
    },
    rot(key) {
      const object = objects.get(key)
      if (object === undefined) throw new Error(`no object ${key} in ${name}`)
      objects.set(key, { ...object, body: rotten(object.body) })
    },
    delete(key) {
      sorted = undefined
      return objects.delete(key)
    },
    keys() {
      sorted ??= [...objects.keys()].sort(compareKeys)
      return sorted
    },
  }
}

function freshObject(object: NewObject, generation: string): StoredObject {
  const now = new Date()
  return {
    bucket: object.bucket,
    key: object.key,
    body: object.body,
    generation,
    metageneration: 1,
    contentType: object.contentType,
    contentEncoding: object.contentEncoding,
    cacheControl: object.cacheControl,
    storageClass: object.storageClass ?? "STANDARD",
    metadata: object.metadata ?? {},
    created: now,
    updated: now,
    s3: object.s3 ?? { etag: object.body.md5Hex, partSize: undefined, kms: false, checksum: undefined },
  }
}
