import type { Answer } from "./answer.ts"
import type { StoredObject } from "./buckets.ts"
import type { Call } from "./call.ts"
import { isToken, listPage, type Page } from "./pages.ts"
import { bucketFor } from "./s3-auth.ts"
import { invalidArgument } from "./s3-errors.ts"
import { escapeXml, xmlDocument } from "./s3-xml.ts"
import type { World } from "./world.ts"

const MAX_KEYS = 1000

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export function listObjects(world: World, call: Call): Answer {
  const bucket = bucketFor(world, call, "s3:ListBucket")
  const params = call.url.searchParams
  const token = params.get("continuation-token") ?? undefined
  if (token !== undefined && !isToken(token)) {
    throw invalidArgument("The continuation token provided is incorrect")
  }
  const limit = maxKeys(params)
  const page = listPage(bucket, {
    prefix: params.get("prefix") ?? "",
    delimiter: params.get("delimiter") ?? "",
    from: "",
    after: token === undefined ? (params.get("start-after") ?? undefined) : undefined,
    before: undefined,
    token,
    limit,
  })
  return {
    status: 200,
    headers: { "content-type": "application/xml" },
    body: xmlDocument(listResult(bucket.name, params, limit, page)),
  }
}

function listResult(bucket: string, params: URLSearchParams, limit: number, page: Page): string {
  const text = params.get("encoding-type") === "url" ? urlEncoded : escapeXml
  return [
    '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
    `<Name>${escapeXml(bucket)}</Name>`,
    `<Prefix>${text(params.get("prefix") ?? "")}</Prefix>`,
    optional("Delimiter", params.get("delimiter"), text),
    optional("StartAfter", params.get("start-after"), text),
    optional("EncodingType", params.get("encoding-type"), escapeXml),
    optional("ContinuationToken", params.get("continuation-token"), escapeXml),
    optional("NextContinuationToken", page.token ?? null, escapeXml),
    `<KeyCount>${page.objects.length + page.prefixes.length}</KeyCount>`,
    `<MaxKeys>${limit}</MaxKeys>`,
    `<IsTruncated>${page.token !== undefined}</IsTruncated>`,
    ...page.objects.map((object) => contents(object, text)),
    ...page.prefixes.map((prefix) => `<CommonPrefixes><Prefix>${text(prefix)}</Prefix></CommonPrefixes>`),
    "</ListBucketResult>",
  ].join("")
}

function contents(object: StoredObject, text: (value: string) => string): string {
  const type = object.s3.checksum?.type
  const checksum =
    type === undefined
      ? ""
      : `<ChecksumAlgorithm>CRC32C</ChecksumAlgorithm><ChecksumType>${type}</ChecksumType>`
  return (
    `<Contents><Key>${text(object.key)}</Key>` +
    `<LastModified>${object.updated.toISOString()}</LastModified>` +
    `<ETag>&quot;${object.s3.etag}&quot;</ETag>${checksum}` +
    `<Size>${object.body.size}</Size><StorageClass>${object.storageClass}</StorageClass></Contents>`
  )
}

function optional(name: string, value: string | null, text: (value: string) => string): string {
  return value === null ? "" : `<${name}>${text(value)}</${name}>`
}

/** S3's `encoding-type=url`: spaces become `+`, slashes stay. */
function urlEncoded(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+")
    .replaceAll("%2F", "/")
}

function maxKeys(params: URLSearchParams): number {
  const value = params.get("max-keys")
  if (value === null) return MAX_KEYS
  if (!/^\d{1,10}$/.test(value))
    throw invalidArgument("Argument maxKeys must be an integer between 0 and 2147483647")
  return Math.min(Number(value), MAX_KEYS)
}
