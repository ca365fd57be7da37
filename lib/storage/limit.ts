import { delay } from "../support/clock.ts"
import type { ObjectSource } from "./store.ts"

/** What a rate is measured by: milliseconds that only go forward, and a way to let some of them pass. */
export interface Pace {
  readonly now: () => number
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>
}

const REAL_PACE: Pace = { now: () => performance.now(), wait: delay }

/**
 * A place to read from whose bodies bring so many bytes in a second, all of them together. Counted is what leaves the
 * store, once: also what is read a second time because a body broke or proved wrong, and nothing of heads and listings.
 * What goes on to another store is as much, so that it needs no limit of its own.
 *
 * Every chunk passes through JavaScript here: who wants no limit takes the store as it is.
 */
export function withByteRate<S extends ObjectSource>(store: S, bytesPerSecond: number, pace = REAL_PACE): S {
  const bucket = tokenBucket(bytesPerSecond, pace)
  const pieceBytes = Math.max(1, Math.floor(bytesPerSecond / PIECES_PER_SECOND))
  return {
    ...store,
    async read(key, options, signal) {
      const { info, stream } = await store.read(key, options, signal)
      return { info, stream: stream.pipeThrough(piecewise(pieceBytes, (n) => bucket.take(n, signal))) }
    },
  }
}

/** However slow, so many bodies at once each get a piece in a second, and none is taken for one that stands still. */
const PIECES_PER_SECOND = 32

/** What was not used for so long is lost. It makes up for waits that took longer than was asked for. */
const FULL_MS = 1000

interface TokenBucket {
  /** Resolves when so many bytes may pass, in the order of asking; rejects with the signal's reason. */
  take(bytes: number, signal?: AbortSignal): Promise<void>
}

function tokenBucket(bytesPerSecond: number, { now, wait }: Pace): TokenBucket {
  // A bucket is the moment until which all that was taken is paid for: none of it ever has to be filled.
  let paidAt = now() - FULL_MS
  return {
    async take(bytes, signal) {
      const askedAt = now()
      paidAt = Math.max(paidAt, askedAt - FULL_MS) + (bytes / bytesPerSecond) * 1000
      if (paidAt > askedAt) await wait(paidAt - askedAt, signal)
    },
  }
}

function piecewise(pieceBytes: number, admit: (bytes: number) => Promise<void>) {
  return new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, passed) {
      for (let start = 0; start < chunk.length; start += pieceBytes) {
        const piece = chunk.subarray(start, start + pieceBytes)
        await admit(piece.length)
        passed.enqueue(piece)
      }
    },
  })
}
