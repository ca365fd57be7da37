import type { ByteRange, Generation } from "../../storage/store.ts"
import { chunksOf, type StoredObject } from "./object-bytes.ts"

/** A range of one generation of an object that is read from its front to its back. */
export interface ForwardBytes {
  /**
   * Fills `target` with the bytes from `position` on, as far as there are any.
   * @returns how many there were
   * @throws as `chunksOf`
   */
  fill(target: Uint8Array, position: number, signal?: AbortSignal): Promise<number>
}

/**
 * As long as each read begins where the one before ended all of them are one request, however long the range is, and no more
 * of it is on its way than the connection holds. Who does not read up to the end ends it by the signal of the read that
 * began it.
 */
export function openForward(
  object: StoredObject,
  ifGeneration: Generation,
  { end }: Required<ByteRange>,
): ForwardBytes {
  let body: Body | undefined
  let at = 0
  let rest: Uint8Array = NOTHING

  const goTo = async (position: number, signal?: AbortSignal): Promise<Body> => {
    if (body !== undefined && position === at && body.signal?.aborted !== true) return body
    await body?.chunks.return(undefined)
    rest = NOTHING
    const range = { start: position, end }
    return { chunks: chunksOf(object, { range, ifGeneration }, signal), signal }
  }

  return {
    async fill(target, position, signal) {
      const going = await goTo(position, signal)
      // Where one that failed stood nobody knows.
      body = undefined
      let length = 0
      while (length < target.length) {
        if (rest.length === 0) {
          const { done, value } = await going.chunks.next()
          if (done) break
          rest = value
        }
        const part = rest.subarray(0, target.length - length)
        target.set(part, length)
        length += part.length
        rest = rest.subarray(part.length)
      }
      body = going
      at = position + length
      return length
    },
  }
}

interface Body {
  readonly chunks: AsyncGenerator<Uint8Array>
  /** Ends it. */
  readonly signal: AbortSignal | undefined
}

const NOTHING = new Uint8Array(0)
