import { AbortError } from "p-retry"
import { backOff, type RetryPolicy } from "../storage/backoff.ts"
import { Unavailable } from "../storage/errors.ts"
import { reasonOf } from "../storage/failures.ts"
import { onStall } from "../storage/stall.ts"
import type { LocalBody, ObjectInfo, ObjectSource } from "../storage/store.ts"
import { linkedAbort } from "../support/abort.ts"
import { fileSink, memorySink, type Sink } from "./sink.ts"
import type { Spool } from "./spool.ts"

/** Up to this size a body is cheaper in memory than in a file. */
export const SMALL_BYTES = 1 << 20

export interface ReceiveOptions {
  readonly spool: Spool
  /** A body that brings no byte for this long is aborted and asked for again. */
  readonly stallMs: number
  /** For bodies that break; one that has moved on meanwhile may break again. */
  readonly retry: RetryPolicy
}

/** A body ended before its last byte, or brought none for too long. */
export class BodyBroken extends Unavailable {
  constructor(source: ObjectSource, info: ObjectInfo, received: number, cause?: unknown) {
    const why = cause === undefined ? "" : `: ${reasonOf(cause)}`
    super(
      `the body broke off after ${received} of ${info.size} bytes${why}`,
      { store: source.uri, key: info.key },
      cause,
    )
  }
}

/** A whole body on this box; disposing it gives its room back. */
export interface Received extends Disposable {
  readonly info: ObjectInfo
  readonly body: LocalBody
}

/**
 * Fetches one object whole: small ones into memory, larger ones into the spool. A body that breaks midway goes on
 * behind what has arrived, by a ranged read of the same generation.
 * @throws NotFound not there; PreconditionFailed replaced while it was read; Unavailable after all retries
 */
export async function receive(
  source: ObjectSource,
  key: string,
  options: ReceiveOptions,
  signal?: AbortSignal,
): Promise<Received> {
  using first = await openBody(source, key, undefined, signal)
  const { info } = first
  if (info.size <= SMALL_BYTES) {
    const sink = memorySink(info.size)
    await fill(sink, source, info, first, options, signal)
    return { info, body: sink.body, [Symbol.dispose]() {} }
  }
  return await receiveIntoSpool(source, first, options, signal)
}

/** Follows the caller's signal until it is disposed of. */
interface OpenBody extends Disposable {
  readonly info: ObjectInfo
  readonly stream: ReadableStream<Uint8Array>
  abort(reason: unknown): void
}

async function receiveIntoSpool(
  source: ObjectSource,
  opened: OpenBody,
  options: ReceiveOptions,
  signal?: AbortSignal,
): Promise<Received> {
  const { info } = opened
  const identity = identityOf(source, info)
  let first: OpenBody | undefined = opened
  let place = options.spool.tryPlace(identity, info.size)
  if (place === undefined) {
    // An open body must not wait for room: the service would close it.
    first = await discard(opened)
    place = await options.spool.place(identity, info.size, signal)
  }
  try {
    const sink = fileSink(place.path)
    const usable = canBeVerified(info) && sink.received <= info.size
    if (sink.received > 0 && !usable) place.clear()
    if (sink.received > 0 && first !== undefined) first = await discard(first)
    await fill(sink, source, info, first, options, signal)
    return { info, body: sink.body, [Symbol.dispose]: place[Symbol.dispose] }
  } catch (error) {
    place[Symbol.dispose]()
    throw error
  }
}

/** Takes streams of the same generation until all bytes are here. */
async function fill(
  sink: Sink,
  source: ObjectSource,
  info: ObjectInfo,
  first: OpenBody | undefined,
  options: ReceiveOptions,
  signal?: AbortSignal,
) {
  let next = first
  const advanced = movement(sink)
  const takeOne = async () => {
    if (sink.received === info.size && info.size > 0) return
    using body = next ?? (await openRest(source, info, sink.received, signal))
    next = undefined
    try {
      await take(sink, source, body, options.stallMs)
    } catch (cause) {
      signal?.throwIfAborted()
      throw new BodyBroken(source, info, sink.received, cause)
    }
    if (sink.received !== info.size) throw new BodyBroken(source, info, sink.received)
  }
  await backOff(takeOne, options.retry, { forgive: advanced }, signal)
}

async function take(sink: Sink, source: ObjectSource, body: OpenBody, stallMs: number) {
  const asked = { verb: "read", store: source.uri, key: body.info.key } as const
  const advanced = movement(sink)
  using _ = onStall(asked, stallMs, async () => advanced(), body.abort)
  await sink.take(body.stream)
}

/** Tells whether bytes have come since it was asked last. */
function movement(sink: Sink): () => boolean {
  let seen = sink.received
  return () => {
    const moved = sink.received !== seen
    seen = sink.received
    return moved
  }
}

async function openRest(source: ObjectSource, info: ObjectInfo, start: number, signal?: AbortSignal) {
  try {
    return await openBody(source, info.key, { start, generation: info.generation }, signal)
  } catch (error) {
    // The store has tried it as often as it should.
    throw error instanceof Unavailable ? new AbortError(error) : error
  }
}

async function openBody(
  source: ObjectSource,
  key: string,
  from: { readonly start: number; readonly generation: string } | undefined,
  signal?: AbortSignal,
): Promise<OpenBody> {
  const stop = linkedAbort(signal)
  const options =
    from === undefined
      ? {}
      : { ifGeneration: from.generation, ...(from.start > 0 ? { range: { start: from.start } } : {}) }
  try {
    const { info, stream } = await source.read(key, options, stop.signal)
    return { info, stream, abort: stop.abort, [Symbol.dispose]: stop[Symbol.dispose] }
  } catch (error) {
    stop[Symbol.dispose]()
    throw error
  }
}

async function discard(body: OpenBody): Promise<undefined> {
  await body.stream.cancel()
  return undefined
}

/** Who finds a file of this name knows that it holds (a beginning of) just this body. */
function identityOf(source: ObjectSource, info: ObjectInfo): string {
  const facts = JSON.stringify([source.uri, info.key, info.generation, info.size])
  return new Bun.CryptoHasher("sha256").update(facts).digest("hex").slice(0, 32)
}

/** After a power loss a file may hold zeros: it is used again only where a checksum of the source will tell. */
function canBeVerified(info: ObjectInfo): boolean {
  return info.md5 !== undefined || info.crc32c !== undefined
}
