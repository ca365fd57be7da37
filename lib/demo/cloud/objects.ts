import { crc32cBase64 } from "../../support/checksums.ts"
import type { Bodies } from "./bodies.ts"
import type { NewObject, S3Facts, StoredObject } from "./buckets.ts"

/** How an object was uploaded, as far as it can be seen later. */
export interface PutOptions {
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly cacheControl?: string
  readonly storageClass?: string
  readonly metadata?: Readonly<Record<string, string>>
  /**
   * Uploaded to S3 in parts of this many bytes: the ETag is the MD5 of the parts' MD5s, and says how many.
   */
  readonly multipartPartSize?: number
  /** Encrypted by S3 with a key of KMS: the ETag is no MD5. */
  readonly kms?: boolean
  /** Uploaded to S3 with a CRC32C, which S3 then answers when asked. */
  readonly checksum?: "full-object" | "composite"
}

/** An object as tests and the demo look at it. */
export interface ObjectView {
  readonly key: string
  readonly size: number
  readonly generation: string
  readonly metageneration: number
  readonly crc32c: string
  readonly md5: string
  /** S3's, without quotes. */
  readonly etag: string
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
  readonly storageClass: string
  readonly metadata: Readonly<Record<string, string>>
  readonly updated: Date
}

export function objectView(object: StoredObject): ObjectView {
  const { body } = object
  return {
    key: object.key,
    size: body.size,
    generation: object.generation,
    metageneration: object.metageneration,
    crc32c: body.crc32c,
    md5: body.md5,
    etag: object.s3.etag,
    contentType: object.contentType,
    contentEncoding: object.contentEncoding,
    storageClass: object.storageClass,
    metadata: object.metadata,
    updated: object.updated,
  }
}

export function toNewObject(
  bodies: Bodies,
  bucket: string,
  key: string,
  content: Uint8Array | string,
  options: PutOptions,
): NewObject {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content
  const { multipartPartSize, kms, checksum, ...rest } = options
  const body = bodies.keep(bytes)
  const etag = etagOf(bytes, body.md5Hex, multipartPartSize)
  const s3: S3Facts = {
    etag: kms === true ? etagUnderKms(etag) : etag,
    partSize: multipartPartSize,
    kms: kms === true,
    checksum:
      checksum === undefined ? undefined : storedChecksum(checksum, bytes, body.crc32c, multipartPartSize),
  }
  return { bucket, key, body, ...rest, s3 }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html: the ETag of an upload in parts. */
function etagOf(bytes: Uint8Array, md5Hex: string, partSize: number | undefined): string {
  if (partSize === undefined) return md5Hex
  const parts = partsOf(bytes, partSize)
  const hasher = new Bun.CryptoHasher("md5")
  for (const part of parts) hasher.update(new Bun.CryptoHasher("md5").update(part).digest())
  return `${hasher.digest("hex")}-${parts.length}`
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html */
function storedChecksum(
  kind: "full-object" | "composite",
  bytes: Uint8Array,
  whole: string,
  partSize = bytes.byteLength,
): NonNullable<S3Facts["checksum"]> {
  if (kind === "full-object") return { type: "FULL_OBJECT", crc32c: whole }
  const parts = partsOf(bytes, partSize)
  const ofParts = Buffer.concat(parts.map((part) => Buffer.from(crc32cBase64(part), "base64")))
  return { type: "COMPOSITE", crc32c: `${crc32cBase64(ofParts)}-${parts.length}` }
}

function partsOf(bytes: Uint8Array, partSize: number): Uint8Array[] {
  const parts = [bytes.subarray(0, partSize)]
  for (let start = partSize; start < bytes.byteLength; start += partSize) {
    parts.push(bytes.subarray(start, start + partSize))
  }
  return parts
}

/** Has the form of the ETag that the object would have without encryption, and is not made of MD5s. */
function etagUnderKms(etag: string): string {
  const [hash, parts] = etag.split("-")
  const other = new Bun.CryptoHasher("md5").update(`kms:${hash}`).digest("hex")
  return parts === undefined ? other : `${other}-${parts}`
}
