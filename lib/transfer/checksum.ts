import { ChecksumMismatch } from "../storage/errors.ts"
import type { LocalBody, ObjectInfo, ObjectSource } from "../storage/store.ts"
import { crc32cBase64, crc32cOfFile, hexToBase64, md5Base64, md5OfFile } from "../support/checksums.ts"

/** What an upload names before its bytes become visible; at least one of the two. Base64, as GCS writes them. */
export interface Checksums {
  readonly md5?: string
  readonly crc32c?: string
}

/**
 * The checksums that prove a copy end to end. Where the source's ETag is an MD5 or the source stores a full-object
 * CRC32C, the destination itself holds the bytes against it and none is touched here. Else one is made from what
 * arrived, after that was held against the multi-part ETag where it can be recomputed.
 * @throws ChecksumMismatch what arrived is not what the source says
 */
export async function checksumsOf(
  source: ObjectSource,
  { info, body }: { readonly info: ObjectInfo; readonly body: LocalBody },
  signal?: AbortSignal,
): Promise<Checksums> {
  const { md5, crc32c } = info
  if (md5 !== undefined || crc32c !== undefined) return { ...(md5 && { md5 }), ...(crc32c && { crc32c }) }
  await checkMultipart(source, { info, body }, signal)
  return { crc32c: await crc32cOfBody(body, signal) }
}

/** The CRC32C of a body, made from its bytes. */
export async function crc32cOfBody(body: LocalBody, signal?: AbortSignal): Promise<string> {
  return body instanceof Uint8Array ? crc32cBase64(body) : crc32cOfFile(body.name!, signal)
}

/**
 * S3 makes a multi-part ETag of the MD5s of the parts: `md5(md5(part 1) … md5(part n))-n`; all parts but the last are
 * of one size. (docs.aws.amazon.com, "Checking object integrity".) With KMS or customer keys it is none of this,
 * and the store tells no part size.
 */
async function checkMultipart(
  source: ObjectSource,
  { info, body }: { readonly info: ObjectInfo; readonly body: LocalBody },
  signal?: AbortSignal,
) {
  const [, digest, count] = /^([0-9a-f]{32})-(\d+)$/.exec(info.etag ?? "") ?? []
  if (digest === undefined || source.partSize === undefined) return
  const partSize = await source.partSize(info.key, info.generation, signal)
  if (partSize === undefined || Math.ceil(info.size / partSize) !== Number(count)) return
  const hasher = new Bun.CryptoHasher("md5")
  for (let start = 0; start < info.size; start += partSize) {
    const end = Math.min(start + partSize, info.size)
    const md5 =
      body instanceof Uint8Array
        ? md5Base64(body.subarray(start, end))
        : await md5OfFile(body.name!, { start, end }, signal)
    hasher.update(Buffer.from(md5, "base64"))
  }
  const found = hasher.digest("base64")
  if (found !== hexToBase64(digest)) throw mismatch(source, info, hexToBase64(digest), found)
}

function mismatch(source: ObjectSource, info: ObjectInfo, wanted: string, found: string) {
  return new ChecksumMismatch(`what arrived has checksum ${found}, the source says ${wanted}`, {
    store: source.uri,
    key: info.key,
    wanted,
    found,
  })
}
