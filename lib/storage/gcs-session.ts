import { backOff, type RetryPolicy } from "./backoff.ts"
import { Unavailable } from "./errors.ts"
import { type Asked, describe } from "./failures.ts"
import { failureOfAnswer } from "./gcs-failures.ts"
import { answerOf, exchange, type HttpAnswer, send } from "./http.ts"
import { watchStall } from "./stall.ts"

/** A resumable upload under way. Who knows its URI may write this one object, without any token. */
export interface Session {
  readonly asked: Asked & { readonly key: string }
  readonly url: string
  readonly contentType: string
  readonly stallMs: number
  /** For what breaks within the session. */
  readonly resume: RetryPolicy
}

/** A body that can be had in slices, any of them more than once. */
export interface Sliceable {
  readonly size: number
  slice(start: number, end: number): Blob | Promise<Uint8Array<ArrayBuffer>>
}

/** What the service says of a session. */
type Progress =
  | { readonly state: "done"; readonly resource: string }
  | { readonly state: "open"; readonly received: number }
  | { readonly state: "gone" }

/** All slices but the last are multiples of this. */
export const SLICE_UNIT_BYTES = 256 << 10

/**
 * Sends a body slice by slice, because `fetch` tells no progress within one. After a slice that broke off or stood
 * still it asks the service what arrived and goes on from there, which also finds an answer that was lost. Slices after
 * a failure are half as long: over a line too slow for a whole one the upload still advances.
 * https://cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload
 * @returns the object's resource as JSON
 */
export async function sendSlices(
  session: Session,
  body: Sliceable,
  sliceBytes: number,
  signal: AbortSignal | undefined,
): Promise<string> {
  let length = sliceBytes
  let received = 0
  let receivedBefore = 0

  const sendRest = async (attempt: number): Promise<Progress> => {
    let progress = attempt === 1 ? NOTHING_YET : await askProgress(session, body.size, signal)
    while (progress.state === "open") {
      received = progress.received
      progress = await putSlice(session, body, received, Math.min(received + length, body.size), signal)
    }
    return progress
  }

  const forgive = () => {
    const advanced = received > receivedBefore
    receivedBefore = received
    length = halfOf(length)
    return advanced
  }

  const end = await backOff(sendRest, session.resume, { forgive }, signal)
  if (end.state === "done") return end.resource
  throw new Unavailable(`${describe(session.asked)}: the upload session is gone`, factsOf(session))
}

/**
 * Gives a session up, so that nothing can finish it any more. One that cannot be cancelled ends by itself after a week,
 * therefore this never fails.
 * https://cloud.google.com/storage/docs/performing-resumable-uploads#cancel-upload
 */
export async function cancelSession(session: Session): Promise<void> {
  const request = { url: session.url, method: "DELETE", headers: {} }
  await Promise.allSettled([exchange(session.asked, request, CANCEL_MS)])
}

const CANCEL_MS = 2_000

const NOTHING_YET: Progress = { state: "open", received: 0 }

async function putSlice(
  session: Session,
  body: Sliceable,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): Promise<Progress> {
  const { asked, url, contentType, stallMs } = session
  // Before anything is watched: how long a body takes to be made is its own matter.
  const slice = await body.slice(start, end)
  let seen = start
  const hasMoved = async () => {
    const progress = await askProgress(session, body.size, signal)
    const moved = progress.state === "open" && progress.received > seen
    if (progress.state === "open") seen = progress.received
    return moved
  }
  using watch = watchStall(asked, stallMs, hasMoved, signal)
  // Bun would name the file's type, and some servers believe it more than the metadata.
  const headers = { "content-range": `bytes ${start}-${end - 1}/${body.size}`, "content-type": contentType }
  const request = { url, method: "PUT", headers, body: slice }
  const response = await send(asked, request, watch.signal)
  const progress = progressOf(session, await answerOf(asked, response, watch.signal))
  if (progress.state !== "open" || progress.received > start) return progress
  throw new Unavailable(`${describe(asked)}: the upload does not advance`, factsOf(session))
}

/** https://cloud.google.com/storage/docs/performing-resumable-uploads#status-check */
async function askProgress(
  session: Session,
  size: number,
  signal: AbortSignal | undefined,
): Promise<Progress> {
  const { asked, url, stallMs } = session
  const request = { url, method: "PUT", headers: { "content-range": `bytes */${size}` } }
  return progressOf(session, await exchange(asked, request, stallMs, signal))
}

function progressOf({ asked }: Session, answer: HttpAnswer): Progress {
  const { status, headers, text } = answer
  if (answer.ok) return { state: "done", resource: text }
  if (status === 308) return { state: "open", received: receivedBytes(headers) }
  if (status === 404 || status === 410) return { state: "gone" }
  throw failureOfAnswer(asked, answer)
}

/** `Range: bytes=0-524287` names the last byte that the service has; without it, it has none. */
function receivedBytes(headers: Headers): number {
  const last = /^bytes=0-(\d+)$/.exec(headers.get("range") ?? "")?.[1]
  return last === undefined ? 0 : Number(last) + 1
}

function halfOf(bytes: number): number {
  return Math.max(1, Math.floor(bytes / 2 / SLICE_UNIT_BYTES)) * SLICE_UNIT_BYTES
}

function factsOf({ asked }: Session) {
  return { store: asked.store, key: asked.key }
}
