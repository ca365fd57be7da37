import type { RetryPolicy } from "./backoff.ts"
import { type Dialect, requestBody } from "./body.ts"
import { AccessDenied, NotFound } from "./errors.ts"
import type { Asked } from "./failures.ts"
import { failureOfAnswer } from "./gcs-failures.ts"
import { type GcsResource, infoOfHeaders, infoOfResource, infoOfText, LISTED_FIELDS } from "./gcs-info.ts"
import { callSdk, clientFor, type GcsAccess, holdsSomeRight } from "./gcs-sdk.ts"
import { upload } from "./gcs-upload.ts"
import { exchange } from "./http.ts"
import { keySpace } from "./keys.ts"
import { pages } from "./pages.ts"
import { DEFAULT_STALL_MS } from "./patience.ts"
import { rangeHeader } from "./ranges.ts"
import type { ObjectStore, Opened } from "./store.ts"

export interface GcsOptions extends GcsAccess {
  readonly bucket: string
  /** What every key is below, without slashes around it. */
  readonly prefix?: string
  /** A service that is silent for so long, or an upload that does not advance for so long, is given up. */
  readonly stallMs?: number | undefined
  /** Bytes of one request of a large upload, a multiple of 256 KiB. */
  readonly sliceBytes?: number
  /** For what breaks within a large upload; longer outages are the caller's matter: another session, another time. */
  readonly resume?: RetryPolicy
}

const RESUME: RetryPolicy = { retries: 4, minTimeoutMs: 250, maxTimeoutMs: 8_000 }

/**
 * A bucket of Google Cloud Storage. Needs `storage.objects.create` to write new objects, `.get` to read and head,
 * `.list` to list, `.delete` to delete and, with `.create`, to replace.
 *
 * The SDK owns credentials, token refresh and list. All else goes by `fetch` with the SDK's token: under Bun a download
 * through the SDK that had to be retried ends the whole process, its uploads cost three times as much, and so does the
 * least of its requests.
 *
 * What a read tells of its object lacks the custom metadata; `head` has them.
 */
export function openGcs(options: GcsOptions): Opened<ObjectStore> {
  const { bucket: bucketName, prefix = "", stallMs = DEFAULT_STALL_MS } = options
  const { sliceBytes = 16 << 20, resume = RESUME } = options
  const isAnonymous = options.emulatorUrl !== undefined
  const storage = clientFor(options, stallMs)
  const bucket = storage.bucket(bucketName)
  const names = keySpace(prefix)
  const uri = prefix === "" ? `gs://${bucketName}` : `gs://${bucketName}/${prefix}`
  const bucketPath = `/storage/v1/b/${encodeURIComponent(bucketName)}/o`

  const pathOf = (asked: Asked & { readonly key: string }) =>
    `${bucketPath}/${encodeURIComponent(names.nameOf(asked))}`

  const bySdk = <T>(asked: Asked, call: () => Promise<T>, signal?: AbortSignal) =>
    callSdk(asked, call, stallMs, signal)

  const authorize = async (asked: Asked, signal?: AbortSignal): Promise<Record<string, string>> =>
    isAnonymous
      ? {}
      : Object.fromEntries(await bySdk(asked, () => storage.authClient.getRequestHeaders(), signal))

  /** Of one object. @param query begins with `?`, or is empty */
  const askObject = async (
    asked: Asked & { readonly key: string },
    { method, query }: { readonly method: "GET" | "DELETE"; readonly query: string },
    signal?: AbortSignal,
  ): Promise<string> => {
    const url = storage.apiEndpoint + pathOf(asked) + query
    const headers = await authorize(asked, signal)
    const answer = await exchange(asked, { url, method, headers }, stallMs, signal)
    if (!answer.ok) throw failureOfAnswer(asked, answer)
    return answer.text
  }

  const listPage = async (asked: Asked, query: object, signal?: AbortSignal) => {
    const [, , answer] = await bySdk(asked, () => bucket.getFiles({ ...query, autoPaginate: false }), signal)
    return answer as { items?: GcsResource[]; nextPageToken?: string }
  }

  return {
    uri,

    async head(key, signal) {
      const asked = { verb: "head", store: uri, key } as const
      try {
        return infoOfText(asked, await askObject(asked, { method: "GET", query: "" }, signal))
      } catch (error) {
        if (error instanceof NotFound && !signal?.aborted) return undefined
        throw error
      }
    },

    async read(key, { range, ifGeneration } = {}, signal) {
      const asked = { verb: "read", store: uri, key } as const
      const condition =
        ifGeneration === undefined ? "" : `&ifGenerationMatch=${encodeURIComponent(ifGeneration)}`
      const path = `${pathOf(asked)}?alt=media${condition}`
      const requested = rangeHeader(asked, range)
      const headers = {
        ...(await authorize(asked, signal)),
        // Objects stored with gzip come as they are stored.
        // https://cloud.google.com/storage/docs/transcoding#decompressive_transcoding
        "accept-encoding": "gzip",
        ...(requested === undefined ? {} : { range: requested }),
      }
      const dialect: Dialect = {
        infoOf: (answered) => infoOfHeaders(asked, answered),
        failureOf: (answer) => failureOfAnswer(asked, answer),
      }
      const request = { url: storage.apiEndpoint + path, headers }
      return requestBody(asked, request, { range, ifGeneration }, dialect, stallMs, signal)
    },

    list: (keyPrefix, signal) =>
      pages(async (pageToken) => {
        const asked = { verb: "list", store: uri, key: keyPrefix } as const
        const query = { prefix: names.prefixOf(keyPrefix), pageToken, fields: LISTED_FIELDS }
        const { items = [], nextPageToken } = await listPage(asked, query, signal)
        return {
          items: items.map((item) => infoOfResource(asked, names.keyOf(item.name ?? ""), item)),
          next: nextPageToken,
        }
      }),

    async write(key, body, writeOptions, signal) {
      const asked = { verb: "write", store: uri, key } as const
      const name = names.nameOf(asked)
      const authorization = await authorize(asked, signal)
      const url = `${storage.apiEndpoint}/upload${bucketPath}`
      const target = { asked, url, name, authorization, stallMs, sliceBytes, resume }
      return upload(target, body, writeOptions, signal)
    },

    async delete(key, { ifGeneration }, signal) {
      const asked = { verb: "delete", store: uri, key } as const
      const generation = encodeURIComponent(ifGeneration)
      // The condition refuses; the generation itself also keeps servers that ignore conditions from deleting another
      // version.
      const query = `?generation=${generation}&ifGenerationMatch=${generation}`
      await askObject(asked, { method: "DELETE", query }, signal)
    },

    async probe(signal) {
      const asked = { verb: "probe", store: uri } as const
      try {
        await listPage(asked, { prefix: names.prefixOf(""), maxResults: 1 }, signal)
        return true
      } catch (error) {
        // 401 is said of credentials that are no good, and to nobody in particular.
        const mayDoMore = error instanceof AccessDenied && (error.facts.status === 403 || isAnonymous)
        if (!mayDoMore || !(await holdsSomeRight(asked, bucket, stallMs, signal))) throw error
        return false
      }
    },

    // Connections are the runtime's, not ours.
    [Symbol.dispose]() {},
  }
}
