import type { RetryPolicy } from "./backoff.ts"
import { Unavailable } from "./errors.ts"
import { type Asked, describe } from "./failures.ts"
import { failureOfAnswer } from "./gcs-failures.ts"
import { infoOfText } from "./gcs-info.ts"
import { cancelSession, type Sliceable, sendSlices } from "./gcs-session.ts"
import { exchange } from "./http.ts"
import type { LocalBody, ObjectInfo, UploadBody, UploadParts, WriteOptions } from "./store.ts"
import { isParts, PART_BYTES, readAhead, readPart } from "./upload-parts.ts"

/** Up to this size one request is cheaper than the two that a session takes at least. */
const AT_ONCE_BYTES = 1 << 20

export interface UploadTarget {
  readonly asked: Asked & { readonly key: string }
  /** `https://storage.googleapis.com/upload/storage/v1/b/{bucket}/o` */
  readonly url: string
  /** The object's name in the bucket. */
  readonly name: string
  readonly authorization: Readonly<Record<string, string>>
  readonly stallMs: number
  readonly sliceBytes: number
  readonly resume: RetryPolicy
}

/**
 * Creates or replaces an object under a precondition. Both ways name the checksums in the object's metadata, so that
 * the service compares them before the object becomes visible. (The header `x-goog-hash` of a plain media upload is
 * ignored by every emulator tried.)
 */
export async function upload(
  target: UploadTarget,
  body: UploadBody,
  options: WriteOptions,
  signal?: AbortSignal,
): Promise<ObjectInfo> {
  const send = isParts(body)
    ? uploadParts(target, body, options, signal)
    : uploadLocal(target, body, options, signal)
  return infoOfText(target.asked, await send)
}

async function uploadLocal(
  target: UploadTarget,
  body: LocalBody,
  options: WriteOptions,
  signal: AbortSignal | undefined,
): Promise<string> {
  const size = body instanceof Uint8Array ? body.byteLength : body.size
  if (size <= AT_ONCE_BYTES) {
    const bytes = body instanceof Uint8Array ? body : await body.bytes()
    return uploadAtOnce(target, bytes, options, signal)
  }
  const blob = body instanceof Uint8Array ? new Blob([body as Uint8Array<ArrayBuffer>]) : body
  const slices = { size, slice: (start: number, end: number) => blob.slice(start, end) }
  return uploadInSlices(target, slices, options, signal)
}

async function uploadParts(
  target: UploadTarget,
  body: UploadParts,
  options: WriteOptions,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { asked, sliceBytes } = target
  const { size } = body
  // One part is in memory whichever way it goes.
  if (size <= PART_BYTES) {
    return uploadAtOnce(target, await readPart(asked, body, 0, size, signal), options, signal)
  }
  await using ahead = readAhead(asked, body, signal)
  const partBytes = Math.min(sliceBytes, PART_BYTES)
  return await uploadInSlices(
    { ...target, sliceBytes: partBytes },
    { size, slice: ahead.read },
    options,
    signal,
  )
}

/** https://cloud.google.com/storage/docs/uploading-objects#uploading-an-object (multipart/related, RFC 2387) */
async function uploadAtOnce(
  target: UploadTarget,
  bytes: Uint8Array,
  options: WriteOptions,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { asked, authorization, stallMs } = target
  // Random, so that no body contains it.
  const boundary = crypto.randomUUID()
  const part = (type: string) => `--${boundary}\r\nContent-Type: ${type}\r\n\r\n`
  const metadata = JSON.stringify(resourceOf(target, options))
  // `fetch` takes a blob as it is and would copy a buffer.
  const body = new Blob([
    `${part("application/json; charset=UTF-8")}${metadata}\r\n${part(options.contentType)}`,
    bytes as Uint8Array<ArrayBuffer>,
    `\r\n--${boundary}--\r\n`,
  ])
  const headers = { ...authorization, "content-type": `multipart/related; boundary=${boundary}` }
  const url = urlOf(target, "multipart", options)
  const answer = await exchange(asked, { url, method: "POST", headers, body }, stallMs, signal)
  if (!answer.ok) throw failureOfAnswer(asked, answer)
  return answer.text
}

async function uploadInSlices(
  target: UploadTarget,
  body: Sliceable,
  options: WriteOptions,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { asked, stallMs, sliceBytes, resume } = target
  const { contentType } = options
  const url = await openSession(target, body.size, options, signal)
  const session = { asked, url, contentType, stallMs, resume }
  try {
    return await sendSlices(session, body, sliceBytes, signal)
  } catch (error) {
    await cancelSession(session)
    throw error
  }
}

/** https://cloud.google.com/storage/docs/performing-resumable-uploads#initiate-session */
async function openSession(
  target: UploadTarget,
  size: number,
  options: WriteOptions,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { asked, authorization, stallMs } = target
  const headers = {
    ...authorization,
    "content-type": "application/json; charset=UTF-8",
    "x-upload-content-type": options.contentType,
    "x-upload-content-length": String(size),
  }
  const body = Buffer.from(JSON.stringify(resourceOf(target, options)))
  const url = urlOf(target, "resumable", options)
  const answer = await exchange(asked, { url, method: "POST", headers, body }, stallMs, signal)
  if (!answer.ok) throw failureOfAnswer(asked, answer)
  const location = answer.headers.get("location")
  if (location !== null) return location
  const { store, key } = asked
  throw new Unavailable(`${describe(asked)}: an upload session without its URI`, { store, key })
}

function urlOf({ url }: UploadTarget, uploadType: "multipart" | "resumable", { ifGeneration }: WriteOptions) {
  // Generation 0 stands for "no such object".
  const generation = ifGeneration === "absent" ? "0" : encodeURIComponent(ifGeneration)
  return `${url}?uploadType=${uploadType}&ifGenerationMatch=${generation}`
}

function resourceOf({ name }: UploadTarget, options: WriteOptions) {
  const { crc32c, md5: md5Hash, contentType, contentEncoding, metadata, storageClass } = options
  return { name, crc32c, md5Hash, contentType, contentEncoding, metadata, storageClass }
}
