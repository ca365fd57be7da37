import { linkedAbort } from "../support/abort.ts"
import { Aborted, AppError } from "../support/errors.ts"
import { RequestRefused } from "./errors.ts"
import { type Asked, abortReason, describe } from "./failures.ts"
import type { UploadBody, UploadParts } from "./store.ts"

/**
 * Worth a request at both ends. Memory is the price: a copy from bucket to bucket takes some 110 MB with parts of 4 MiB,
 * 150 with 8, because what was read is not let go at once.
 */
export const PART_BYTES = 4 << 20

export function isParts(body: UploadBody): body is UploadParts {
  return !(body instanceof Uint8Array || body instanceof Blob)
}

export function sizeOfBody(body: UploadBody): number {
  return body instanceof Uint8Array ? body.byteLength : body.size
}

/**
 * One piece of a body.
 * @throws RequestRefused when another number of bytes came, or an error that is none of ours; `abortReason`
 */
export async function readPart(
  asked: Asked,
  parts: UploadParts,
  start: number,
  end: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await bytesOf(asked, parts, start, end, signal)
  if (bytes.byteLength === end - start) return bytes as Uint8Array<ArrayBuffer>
  const { store, key } = asked
  const facts = { store, key, start, end, bytes: bytes.byteLength }
  throw new RequestRefused(`${describe(asked)}: the body's piece has another length`, facts)
}

async function bytesOf(
  asked: Asked,
  parts: UploadParts,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  try {
    signal?.throwIfAborted()
    return await parts.read(start, end, signal)
  } catch (cause) {
    if (signal?.aborted) throw abortReason(signal)
    if (cause instanceof AppError) throw cause
    const facts = { store: asked.store, key: asked.key, start, end }
    throw new RequestRefused(`${describe(asked)}: the body cannot be read: ${cause}`, facts, cause)
  }
}

/** A body of which the piece behind the one just given is read already, while that one is on its way. */
export interface ReadAhead extends AsyncDisposable {
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>
}

/** Holds two pieces at a time, as long as they are. Disposing it ends the reading, and waits for that. */
export function readAhead(asked: Asked, parts: UploadParts, signal?: AbortSignal): ReadAhead {
  const reading = linkedAbort(signal)
  let next: Piece | undefined

  const begin = (start: number, end: number): Piece => {
    const bytes = readPart(asked, parts, start, end, reading.signal)
    // Nobody may ask for it: then its failure is nobody's matter.
    const over = bytes.then(noMatter, noMatter)
    return { start, end, bytes, over }
  }

  return {
    async read(start, end) {
      const ahead = next
      next = undefined
      await ahead?.over
      const isWanted = ahead?.start === start && ahead.end === end
      const bytes = await (isWanted ? ahead : begin(start, end)).bytes
      if (end < parts.size) next = begin(end, Math.min(end + (end - start), parts.size))
      return bytes
    },
    async [Symbol.asyncDispose]() {
      reading.abort(new Aborted())
      reading[Symbol.dispose]()
      await next?.over
    },
  }
}

interface Piece {
  readonly start: number
  readonly end: number
  readonly bytes: Promise<Uint8Array<ArrayBuffer>>
  /** Resolves when it was read, or could not be. */
  readonly over: Promise<void>
}

function noMatter() {}
