import { NotFound, RequestRefused, Unavailable } from "../../storage/errors.ts"
import { abortReason } from "../../storage/failures.ts"
import type { ByteRange, Generation, ObjectInfo, ObjectSource } from "../../storage/store.ts"
import { AppError } from "../../support/errors.ts"
import { TooLarge } from "../format/errors.ts"

/** Takes an object's bytes as they come, in their order. A chunk is valid only until it returns. */
export type Sink = (chunk: Uint8Array) => void | Promise<void>

/** Where bytes are read from: one object of a store. */
export interface StoredObject {
  readonly source: ObjectSource
  readonly key: string
}

/** What part of which generation of it is wanted; all of the newest one unless said. */
export interface Wanted {
  readonly range?: ByteRange
  readonly ifGeneration?: Generation
}

/** How often a body may break off without having brought a single byte. */
const FRUITLESS_TRIES = 5

/**
 * Bytes of an object, or of a range of it, as they come. A body that breaks off is gone on with where it broke, in the same
 * generation. A range is cut at the object's end, and empty behind it: what the caller makes of that is its matter. Who
 * stops before the last chunk ends the body; a chunk is valid only until the next one is asked for.
 * @param tell what the store tells of the whole object, before its first byte comes
 * @throws NotFound, PreconditionFailed, AccessDenied, Unavailable
 */
export async function* chunksOf(
  object: StoredObject,
  { range, ifGeneration }: Wanted,
  signal?: AbortSignal,
  tell: (info: ObjectInfo) => void = () => {},
): AsyncGenerator<Uint8Array> {
  let at = range?.start ?? 0
  let generation = ifGeneration
  for (let fruitless = 0; ; fruitless++) {
    const from = at
    const wanted = { start: at, end: range?.end }
    const { info, stream } = await readUnlessBehindEnd(object, wanted, generation, signal)
    const end = Math.min(range?.end ?? info.size, info.size)
    generation = info.generation
    tell(info)
    let failure: unknown
    try {
      for await (const chunk of stream) {
        const piece = chunk.subarray(0, end - at)
        at += piece.length
        yield piece
      }
    } catch (cause) {
      if (signal?.aborted) throw abortReason(signal)
      if (cause instanceof AppError && !(cause instanceof Unavailable)) throw cause
      failure = cause
    }
    if (failure === undefined && at >= end) return
    if (at > from && failure !== undefined) fruitless = 0
    else if (fruitless >= FRUITLESS_TRIES) throw brokenOff(object, failure)
  }
}

/**
 * Reads what `chunksOf` tells of into `sink`.
 * @returns what the store tells of the whole object
 * @throws as `chunksOf`, what `sink` throws
 */
export async function pipeObject(
  object: StoredObject,
  wanted: Wanted,
  sink: Sink,
  signal?: AbortSignal,
): Promise<ObjectInfo> {
  let told: ObjectInfo | undefined
  const tell = (info: ObjectInfo) => {
    told = info
  }
  for await (const chunk of chunksOf(object, wanted, signal, tell)) await sink(chunk)
  return told!
}

/** What is held in memory of one object at a time. */
const MAX_IN_MEMORY = 2 ** 31

/**
 * Bytes of a range, fewer where the object ends before the range does. They are taken at once; when the body breaks off it
 * is asked for again, and from then on gone on with where it breaks.
 * @throws TooLarge for more than 2 GiB, as `chunksOf`
 */
export async function bytesOfRange(
  object: StoredObject,
  range: Required<ByteRange>,
  ifGeneration?: Generation,
  signal?: AbortSignal,
): Promise<{ readonly info: ObjectInfo; readonly bytes: Uint8Array }> {
  if (range.end - range.start > MAX_IN_MEMORY) throw new TooLarge(nameOf(object), MAX_IN_MEMORY)
  const { info, stream } = await readUnlessBehindEnd(object, range, ifGeneration, signal)
  const bytes = await atOnce(stream)
  const length = Math.max(0, Math.min(range.end, info.size) - range.start)
  if (bytes?.length === length) return { info, bytes }
  if (signal?.aborted) throw abortReason(signal)
  return await bytesInChunks(object, range, info.generation, signal)
}

async function bytesInChunks(
  object: StoredObject,
  range: Required<ByteRange>,
  ifGeneration: Generation,
  signal?: AbortSignal,
): Promise<{ readonly info: ObjectInfo; readonly bytes: Uint8Array }> {
  const bytes = new Uint8Array(range.end - range.start)
  let length = 0
  const sink: Sink = (chunk) => {
    bytes.set(chunk, length)
    length += chunk.length
  }
  const info = await pipeObject(object, { range, ifGeneration }, sink, signal)
  return { info, bytes: bytes.subarray(0, length) }
}

/** A whole object, held in memory. @throws TooLarge before the limit is exceeded, NotFound */
export async function wholeObject(
  object: StoredObject,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<{ readonly info: ObjectInfo; readonly bytes: Uint8Array }> {
  const { info, stream } = await object.source.read(object.key, {}, signal)
  if (info.size > maxBytes) {
    await stream.cancel()
    throw new TooLarge(nameOf(object), maxBytes)
  }
  const bytes = await atOnce(stream)
  if (bytes?.length === info.size) return { info, bytes }
  if (signal?.aborted) throw abortReason(signal)
  return await bytesInChunks(object, { start: 0, end: info.size }, info.generation, signal)
}

/** Without a chunk passing through JavaScript. @returns undefined for a body that breaks off: it takes more patience */
async function atOnce(stream: ReadableStream<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    return await Bun.readableStreamToBytes(stream)
  } catch {
    return undefined
  }
}

/** `gs://bucket/prefix/a/b.dcm`, for messages. */
export function nameOf({ source, key }: StoredObject): string {
  return `${source.uri}/${key}`
}

/** HTTP has no words for a range without bytes, and stores refuse one that begins behind the end. */
async function readUnlessBehindEnd(
  { source, key }: StoredObject,
  { start, end }: { readonly start: number; readonly end?: number | undefined },
  ifGeneration: Generation | undefined,
  signal: AbortSignal | undefined,
) {
  const isWhole = start === 0 && end === undefined
  const range = isWhole ? {} : { range: { start, ...(end === undefined ? {} : { end }) } }
  const options = { ...range, ...(ifGeneration === undefined ? {} : { ifGeneration }) }
  try {
    return await source.read(key, options, signal)
  } catch (error) {
    if (isWhole || !(error instanceof RequestRefused)) throw error
    const info = await source.head(key, signal)
    if (info === undefined) throw new NotFound(error.message, error.facts, error)
    if (start < info.size && start !== end) throw error
    return { info, stream: nothing() }
  }
}

function nothing(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() })
}

function brokenOff(object: StoredObject, cause?: unknown): Unavailable {
  const facts = { store: object.source.uri, key: object.key }
  return new Unavailable(`read ${nameOf(object)}: the body breaks off again and again`, facts, cause)
}
