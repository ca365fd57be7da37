import { HeadObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3"
import { type Dialect, requestBody } from "./body.ts"
import { AccessDenied, NotFound } from "./errors.ts"
import type { Asked } from "./failures.ts"
import { hasDotSegment, keySpace, refusedKey } from "./keys.ts"
import { pages } from "./pages.ts"
import { DEFAULT_STALL_MS } from "./patience.ts"
import { rangeHeader } from "./ranges.ts"
import { failureOfAnswer, failureOfSdk } from "./s3-failures.ts"
import { infoOfHead, infoOfHeaders, infoOfListed, isMadeOfMd5s, nameOfListed } from "./s3-info.ts"
import { s3Requests } from "./s3-requests.ts"
import type { ObjectSource, Opened } from "./store.ts"

/** How to reach S3. What is not given comes from the SDK's own chain: environment, profile, SSO, role. */
export interface S3Access {
  readonly accessKeyId?: string | undefined
  readonly secretAccessKey?: string | undefined
  readonly sessionToken?: string | undefined
  readonly profile?: string | undefined
  readonly region?: string | undefined
  /** Another service that speaks S3; it is addressed path-style. */
  readonly endpoint?: string | undefined
}

export interface S3Options extends S3Access {
  readonly bucket: string
  /** What every key is below, without slashes around it. */
  readonly prefix?: string
  /** A service that is silent for so long is given up. */
  readonly stallMs?: number | undefined
}

/**
 * A bucket of Amazon S3 (or a service that speaks its protocol) to read from. Needs `s3:GetObject` and
 * `s3:ListBucket`: without the latter S3 answers 403 instead of 404 for an object that is not there.
 *
 * The SDK owns configuration, credentials, endpoints, signing, list and head. Bodies come by `fetch`, signed by the
 * SDK, because its own way costs six times as much for a small object and drags each chunk through JavaScript.
 *
 * Generations are ETags. A listing knows no metadata and no checksums.
 */
export function openS3(options: S3Options): Opened<ObjectSource> {
  const { bucket, prefix = "", stallMs = DEFAULT_STALL_MS } = options
  const client = clientFor(options, stallMs)
  const requests = s3Requests(client, bucket, stallMs)
  const names = keySpace(prefix)
  const uri = prefix === "" ? `s3://${bucket}` : `s3://${bucket}/${prefix}`

  const objectInput = (asked: Asked & { key: string }) => ({ Bucket: bucket, Key: names.nameOf(asked) })

  const listPage = async (asked: Asked, input: ListInput, signal?: AbortSignal) => {
    try {
      const command = new ListObjectsV2Command({ Bucket: bucket, EncodingType: "url", ...input })
      return await client.send(command, { abortSignal: signal })
    } catch (cause) {
      throw failureOfSdk(asked, cause, signal)
    }
  }

  return {
    uri,

    async head(key, signal) {
      const asked = { verb: "head", store: uri, key } as const
      const command = new HeadObjectCommand({ ...objectInput(asked), ChecksumMode: "ENABLED" })
      try {
        return infoOfHead(asked, await client.send(command, { abortSignal: signal }))
      } catch (cause) {
        const failure = failureOfSdk(asked, cause, signal)
        if (failure instanceof NotFound && !signal?.aborted) return undefined
        throw failure
      }
    },

    async read(key, { range, ifGeneration } = {}, signal) {
      const asked = { verb: "read", store: uri, key } as const
      if (hasDotSegment(key)) throw refusedKey(asked, "a URL cannot have `.` or `..` as a part of its path")
      const requested = rangeHeader(asked, range)
      const headers = {
        "x-amz-checksum-mode": "ENABLED",
        ...(requested === undefined ? {} : { range: requested }),
        ...(ifGeneration === undefined ? {} : { "if-match": `"${ifGeneration}"` }),
      }
      const request = await requests.get(asked, names.nameOf(asked), headers, signal)
      const dialect: Dialect = {
        infoOf: (answered) => infoOfHeaders(asked, answered),
        failureOf: (answer) => failureOfAnswer(asked, answer),
      }
      return requestBody(asked, request, { range, ifGeneration }, dialect, stallMs, signal)
    },

    list: (keyPrefix, signal) =>
      pages(async (token) => {
        const asked = { verb: "list", store: uri, key: keyPrefix } as const
        const input = { Prefix: names.prefixOf(keyPrefix), ContinuationToken: token }
        const page = await listPage(asked, input, signal)
        return {
          items: (page.Contents ?? []).map((listed) =>
            infoOfListed({ ...asked, key: names.keyOf(nameOfListed(page.EncodingType, listed)) }, listed),
          ),
          next: page.IsTruncated ? page.NextContinuationToken : undefined,
        }
      }),

    async partSize(key, generation, signal) {
      const asked = { verb: "head", store: uri, key } as const
      const command = new HeadObjectCommand({
        ...objectInput(asked),
        PartNumber: 1,
        IfMatch: `"${generation}"`,
      })
      try {
        const head = await client.send(command, { abortSignal: signal })
        return head.PartsCount !== undefined && isMadeOfMd5s(head) ? head.ContentLength : undefined
      } catch (cause) {
        throw failureOfSdk(asked, cause, signal)
      }
    },

    async probe(signal) {
      const asked = { verb: "probe", store: uri } as const
      try {
        await listPage(asked, { Prefix: names.prefixOf(""), MaxKeys: 1 }, signal)
        return true
      } catch (error) {
        // Other codes (a wrong key, an expired token) mean that nothing will be permitted.
        const onlyListing = error instanceof AccessDenied && error.facts.code === "AccessDenied"
        if (!onlyListing) throw error
        return false
      }
    },

    [Symbol.dispose]: () => client.destroy(),
  }
}

interface ListInput {
  readonly Prefix: string
  readonly ContinuationToken?: string | undefined
  readonly MaxKeys?: number
}

function clientFor(access: S3Access, stallMs: number): S3Client {
  const { accessKeyId, secretAccessKey, sessionToken, profile, region, endpoint } = access
  const hasKeys = accessKeyId !== undefined && secretAccessKey !== undefined
  return new S3Client({
    // Retries are `withRetry`'s, so that they are counted and logged in one place.
    maxAttempts: 1,
    followRegionRedirects: false,
    requestHandler: { connectionTimeout: stallMs, requestTimeout: stallMs, throwOnRequestTimeout: true },
    ...(hasKeys ? { credentials: { accessKeyId, secretAccessKey, sessionToken } } : {}),
    ...(profile === undefined ? {} : { profile }),
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
  })
}
