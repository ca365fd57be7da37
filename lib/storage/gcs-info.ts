import { Unavailable } from "./errors.ts"
import { type Asked, describe } from "./failures.ts"
import { totalSize } from "./http.ts"
import type { ObjectInfo } from "./store.ts"

/** https://cloud.google.com/storage/docs/json_api/v1/objects#resource, as far as we use it; numbers are texts. */
export interface GcsResource {
  readonly name?: string
  readonly size?: string | number
  readonly generation?: string | number
  readonly crc32c?: string
  readonly md5Hash?: string
  readonly etag?: string
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly storageClass?: string
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly updated?: string
}

/** The resource's fields that a listing needs. */
export const LISTED_FIELDS =
  "nextPageToken,items(name,size,generation,crc32c,md5Hash,etag,contentType,contentEncoding,storageClass,metadata,updated)"

/** @throws Unavailable for an answer that is no object resource: as good as no answer */
export function infoOfResource(asked: Asked, key: string, resource: GcsResource): ObjectInfo {
  const { size, generation, updated } = resource
  if (size === undefined || generation === undefined) throw unusable(asked)
  return {
    key,
    size: Number(size),
    generation: String(generation),
    crc32c: resource.crc32c,
    md5: resource.md5Hash,
    etag: resource.etag,
    contentType: resource.contentType,
    contentEncoding: resource.contentEncoding,
    storageClass: resource.storageClass,
    metadata: lowerCaseKeys(resource.metadata ?? {}),
    updated: updated === undefined ? undefined : new Date(updated),
  }
}

/** The answer to a look or a write. */
export function infoOfText(asked: Asked & { readonly key: string }, text: string): ObjectInfo {
  try {
    return infoOfResource(asked, asked.key, JSON.parse(text) as GcsResource)
  } catch (cause) {
    if (cause instanceof SyntaxError) throw unusable(asked, cause)
    throw cause
  }
}

/** From the headers of a download, which lack the custom metadata. */
export function infoOfHeaders(asked: Asked & { readonly key: string }, headers: Headers): ObjectInfo {
  const generation = headers.get("x-goog-generation")
  const stored = headers.get("x-goog-stored-content-length")
  const size = stored === null ? totalSize(headers) : Number(stored)
  if (generation === null || Number.isNaN(size)) throw unusable(asked)
  const updated = headers.get("last-modified")
  return {
    key: asked.key,
    size,
    generation,
    ...hashesOf(headers.get("x-goog-hash")),
    etag: headers.get("etag")?.replace(/^"|"$/g, ""),
    contentType: headers.get("content-type") ?? undefined,
    contentEncoding: storedEncoding(headers),
    storageClass: headers.get("x-goog-storage-class") ?? undefined,
    metadata: {},
    updated: updated === null ? undefined : new Date(updated),
  }
}

/** `crc32c=n03x6A==,md5=Ojk9c3dhfxgoKVVHYwFbHQ==`; composed objects have no MD5. */
function hashesOf(header: string | null): { crc32c?: string; md5?: string } {
  const hashes = Object.fromEntries(
    (header ?? "").split(",").map((part) => {
      const [name = "", ...value] = part.trim().split("=")
      return [name, value.join("=")]
    }),
  )
  return { crc32c: hashes.crc32c, md5: hashes.md5 }
}

/** The header says "identity" where nothing was stored. */
function storedEncoding(headers: Headers): string | undefined {
  const encoding = headers.get("x-goog-stored-content-encoding") ?? headers.get("content-encoding")
  return encoding === null || encoding === "identity" ? undefined : encoding
}

function lowerCaseKeys(metadata: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => [key.toLowerCase(), String(value)]),
  )
}

function unusable(asked: Asked, cause?: unknown): Unavailable {
  const { store, key } = asked
  return new Unavailable(`${describe(asked)}: the answer describes no object`, { store, key }, cause)
}
