import type { HeadObjectCommandOutput, _Object as ListedObject } from "@aws-sdk/client-s3"
import { hexToBase64 } from "../support/checksums.ts"
import { Unavailable } from "./errors.ts"
import { type Asked, describe } from "./failures.ts"
import { totalSize } from "./http.ts"
import type { ObjectInfo } from "./store.ts"

export function infoOfHead(
  asked: Asked & { readonly key: string },
  head: HeadObjectCommandOutput,
): ObjectInfo {
  return info(asked, {
    size: head.ContentLength,
    etag: head.ETag,
    crc32c: head.ChecksumCRC32C,
    checksumType: head.ChecksumType,
    encryption: head.ServerSideEncryption,
    customerKey: head.SSECustomerAlgorithm,
    contentType: head.ContentType,
    contentEncoding: head.ContentEncoding,
    storageClass: head.StorageClass,
    metadata: head.Metadata,
    updated: head.LastModified,
  })
}

/** From the headers of a GET. For a range that happens to be one of the object's parts, S3 tells that part's checksum. */
export function infoOfHeaders(asked: Asked & { readonly key: string }, headers: Headers): ObjectInfo {
  const isWhole = !headers.has("content-range")
  const updated = headers.get("last-modified")
  return info(asked, {
    size: totalSize(headers),
    etag: headers.get("etag"),
    crc32c: isWhole ? headers.get("x-amz-checksum-crc32c") : undefined,
    checksumType: headers.get("x-amz-checksum-type"),
    encryption: headers.get("x-amz-server-side-encryption"),
    customerKey: headers.get("x-amz-server-side-encryption-customer-algorithm"),
    contentType: headers.get("content-type"),
    contentEncoding: headers.get("content-encoding"),
    storageClass: headers.get("x-amz-storage-class"),
    metadata: customMetadata(headers),
    updated: updated === null ? undefined : new Date(updated),
  })
}

/** A listing does not tell how an object is encrypted, so its ETag cannot be taken for an MD5. */
export function infoOfListed(asked: Asked & { readonly key: string }, listed: ListedObject): ObjectInfo {
  const { Size: size, ETag: etag, StorageClass: storageClass, LastModified: updated } = listed
  return info(asked, { size, etag, storageClass, updated, encryption: "unknown" })
}

/** A listed key as it was written: with `EncodingType: "url"` it comes percent-encoded, which XML can carry. */
export function nameOfListed(encoding: string | undefined, listed: ListedObject): string {
  const name = listed.Key ?? ""
  return encoding === "url" ? decodeURIComponent(name.replaceAll("+", " ")) : name
}

type Told<T> = T | null | undefined

interface S3Facts {
  readonly size: Told<number>
  readonly etag: Told<string>
  readonly crc32c?: Told<string>
  readonly checksumType?: Told<string>
  readonly encryption?: Told<string>
  readonly customerKey?: Told<string>
  readonly contentType?: Told<string>
  readonly contentEncoding?: Told<string>
  readonly storageClass?: Told<string>
  readonly metadata?: Told<Readonly<Record<string, string>>>
  readonly updated?: Told<Date>
}

function info(asked: Asked & { readonly key: string }, facts: S3Facts): ObjectInfo {
  const { size, etag: quoted } = facts
  if (typeof size !== "number" || Number.isNaN(size) || typeof quoted !== "string") {
    const { store, key } = asked
    throw new Unavailable(`${describe(asked)}: an answer without size or ETag`, { store, key })
  }
  const etag = quoted.replace(/^"|"$/g, "")
  return {
    key: asked.key,
    size,
    generation: etag,
    etag,
    // A composite one is a checksum of the parts' checksums.
    crc32c: (facts.checksumType === "FULL_OBJECT" ? facts.crc32c : undefined) ?? undefined,
    md5: isMd5(etag, facts) ? hexToBase64(etag) : undefined,
    contentType: facts.contentType ?? undefined,
    contentEncoding: facts.contentEncoding ?? undefined,
    storageClass: facts.storageClass ?? undefined,
    metadata: facts.metadata ?? {},
    updated: facts.updated ?? undefined,
  }
}

/** Whether an object's ETag is the MD5 of its bytes or, uploaded in parts, made of the parts' MD5s. */
export function isMadeOfMd5s(head: HeadObjectCommandOutput): boolean {
  return hasPlainEtag({ encryption: head.ServerSideEncryption, customerKey: head.SSECustomerAlgorithm })
}

/** An ETag is the MD5 of the bytes only for objects that were uploaded in one part. */
function isMd5(etag: string, facts: S3Facts): boolean {
  return /^[0-9a-f]{32}$/i.test(etag) && hasPlainEtag(facts)
}

/**
 * Of objects in plain text or encrypted with S3's own keys.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
 */
function hasPlainEtag({ encryption, customerKey }: Pick<S3Facts, "encryption" | "customerKey">): boolean {
  return (encryption ?? "AES256") === "AES256" && (customerKey ?? undefined) === undefined
}

function customMetadata(headers: Headers): Record<string, string> {
  const metadata: Record<string, string> = {}
  headers.forEach((value, name) => {
    if (name.startsWith(META)) metadata[name.slice(META.length)] = value
  })
  return metadata
}

const META = "x-amz-meta-"
