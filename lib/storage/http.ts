import { Unavailable } from "./errors.ts"
import { type Asked, describe, unanswered } from "./failures.ts"

/** How long a service may stay silent before a call is given up, where the caller says nothing else. */
export const DEFAULT_STALL_MS = 30_000

export interface HttpRequest {
  readonly url: string
  readonly method?: string
  readonly headers: Readonly<Record<string, string>> | Headers
  readonly body?: Uint8Array<ArrayBuffer> | Blob
}

/**
 * One request whose answer must begin within `stallMs`, the sending of its own body included; how long the answer's
 * body takes is the reader's matter. Every status is an answer here.
 * @throws Unavailable, or what `signal` was aborted with
 */
export async function send(
  asked: Asked,
  request: HttpRequest,
  stallMs: number,
  signal?: AbortSignal,
): Promise<Response> {
  using patience = untilSilent(asked, stallMs, signal)
  return await sendPatiently(asked, request, patience.signal)
}

/** The same without a limit of its own. No redirects are followed and no content is decoded. */
export async function sendPatiently(
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

/** Reads a body that is small by nature (an error, a resource), so that the connection can be used again. */
export async function textOf(asked: Asked, response: Response, signal?: AbortSignal): Promise<string> {
  try {
    return await response.text()
  } catch (cause) {
    throw unanswered(asked, cause, signal)
  }
}

/** The whole object's size that a 206 tells (`Content-Range: bytes 0-9/100`), else the body's own length. */
export function totalSize(headers: Headers): number {
  const total = /\/(\d+)$/.exec(headers.get("content-range") ?? "")?.[1] ?? headers.get("content-length")
  return total === null ? Number.NaN : Number(total)
}

/** A signal that follows the caller's, and aborts by itself unless it is disposed of within `ms`. */
function untilSilent(asked: Asked, ms: number, signal: AbortSignal | undefined) {
  const silent = new AbortController()
  const facts = { store: asked.store, key: asked.key }
  const timer = setTimeout(
    () => silent.abort(new Unavailable(`${describe(asked)}: no answer for ${ms / 1000} s`, facts)),
    ms,
  )
  return {
    signal: signal === undefined ? silent.signal : AbortSignal.any([signal, silent.signal]),
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}
