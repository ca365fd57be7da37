import { withFlippedBit } from "./bodies.ts"

/** A request's body: read once, however often it is asked for. */
export interface Incoming {
  /** @throws BrokenOff when the client went away, or a fault cut it, before the end */
  whole(): Promise<Uint8Array>
  /** What came of it, and whether that was all. */
  arrived(): Promise<Arrived>
  /** Bytes that came so far. */
  readonly bytes: number
  /**
   * For faults: reads no further than `bytes`, or changes a bit of what came. To be called before
   * reading.
   */
  breakAfter(bytes: number): void
  corrupt(): void
}

export interface Arrived {
  readonly bytes: Uint8Array
  readonly complete: boolean
}

/** The request's body ended before its end: there is nobody left to answer. */
export class BrokenOff extends Error {
  constructor() {
    super("the request's body broke off")
    this.name = "BrokenOff"
  }
}

export function incoming(request: Request): Incoming {
  let limit: number | undefined
  let corrupted = false
  let reading: Promise<Arrived> | undefined
  let count = 0

  const read = async (): Promise<Arrived> => {
    const { bytes, complete } = await arrivedOf(request.body, limit)
    count = bytes.byteLength
    return { bytes: corrupted ? withFlippedBit(bytes) : bytes, complete }
  }
  const arrived = () => {
    reading ??= read()
    return reading
  }
  return {
    arrived,
    async whole() {
      const { bytes, complete } = await arrived()
      if (!complete) throw new BrokenOff()
      return bytes
    },
    get bytes() {
      return count
    },
    breakAfter(bytes) {
      limit = bytes
    },
    corrupt() {
      corrupted = true
    },
  }
}

async function arrivedOf(
  body: ReadableStream<Uint8Array> | null,
  limit = Number.POSITIVE_INFINITY,
): Promise<Arrived> {
  const chunks: Uint8Array[] = []
  let size = 0
  if (body === null) return { bytes: new Uint8Array(), complete: limit > 0 }
  const reader = body.getReader()
  try {
    while (size < limit) {
      const { done, value } = await reader.read()
      if (done) return { bytes: joined(chunks), complete: true }
      chunks.push(value)
      size += value.byteLength
    }
  } catch {
    // The client is gone; what it sent before still counts for a resumable session.
    return { bytes: joined(chunks), complete: false }
  }
  return { bytes: joined(chunks).subarray(0, limit), complete: false }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}
