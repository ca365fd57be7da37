import { type Asked, unanswered } from "./failures.ts"
import { untilSilent } from "./patience.ts"

export interface HttpRequest {
  readonly url: string
  readonly method?: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array<ArrayBuffer> | Blob
}

/** An answer that is small by nature: an error, a resource. */
export interface HttpAnswer {
  readonly status: number
  readonly ok: boolean
  readonly headers: Headers
  readonly text: string
}

/**
 * Sends a request. Every status is an answer; no redirect is followed and no content decoded.
 * @throws Unavailable, or what `signal` was aborted with
 */
export async function send(
  asked: Asked,
  { url, ...init }: HttpRequest,
  signal: AbortSignal,
): Promise<Response> {
  // `decompress` is Bun's own: bytes arrive as they are stored, whatever their Content-Encoding.
  const options = { ...init, signal, redirect: "manual" as const, decompress: false }
  try {
    return await fetch(url, options)
  } catch (cause) {
    throw unanswered(asked, cause, signal)
  }
}

/** Reads an answer to its end, so that its connection can be used again. */
export async function answerOf(asked: Asked, response: Response, signal: AbortSignal): Promise<HttpAnswer> {
  const { status, ok, headers } = response
  try {
    return { status, ok, headers, text: await response.text() }
  } catch (cause) {
    throw unanswered(asked, cause, signal)
  }
}

/** A request and its whole answer, within `stallMs`. */
export async function exchange(
  asked: Asked,
  request: HttpRequest,
  stallMs: number,
  signal?: AbortSignal,
): Promise<HttpAnswer> {
  using patience = untilSilent(asked, stallMs, signal)
  return await answerOf(asked, await send(asked, request, patience.signal), patience.signal)
}

/** The whole object's size that a 206 tells (`Content-Range: bytes 0-9/100`), else the body's own length. */
export function totalSize(headers: Headers): number {
  const total = /\/(\d+)$/.exec(headers.get("content-range") ?? "")?.[1] ?? headers.get("content-length")
  return total === null ? Number.NaN : Number(total)
}
