import type { StoredObject } from "./buckets.ts"

/** The JSON API's object resource. https://cloud.google.com/storage/docs/json_api/v1/objects#resource */
export function objectResource(object: StoredObject, origin: string): Record<string, unknown> {
  const path = `/storage/v1/b/${object.bucket}/o/${encodeURIComponent(object.key)}`
  return {
    kind: "storage#object",
    id: `${object.bucket}/${object.key}/${object.generation}`,
    selfLink: `${origin}${path}`,
    mediaLink: `${origin}/download${path}?generation=${object.generation}&alt=media`,
    name: object.key,
    bucket: object.bucket,
    generation: object.generation,
    metageneration: String(object.metageneration),
    contentType: object.contentType,
    contentEncoding: object.contentEncoding,
    cacheControl: object.cacheControl,
    storageClass: object.storageClass,
    size: String(object.body.size),
    md5Hash: object.body.md5,
    crc32c: object.body.crc32c,
    etag: gcsEtag(object),
    // The service leaves the field out where there is no custom metadata.
    metadata: Object.keys(object.metadata).length === 0 ? undefined : object.metadata,
    timeCreated: object.created.toISOString(),
    updated: object.updated.toISOString(),
    timeStorageClassUpdated: object.created.toISOString(),
  }
}

/** Opaque, and another one after every change of bytes or metadata. */
export function gcsEtag(object: StoredObject): string {
  return Buffer.from(`${object.generation}/${object.metageneration}`).toString("base64")
}

export function bucketResource(name: string, created: Date): Record<string, unknown> {
  return {
    kind: "storage#bucket",
    id: name,
    name,
    projectNumber: "0",
    metageneration: "1",
    location: "US",
    locationType: "multi-region",
    storageClass: "STANDARD",
    etag: "CAE=",
    timeCreated: created.toISOString(),
    updated: created.toISOString(),
  }
}
