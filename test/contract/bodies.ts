import type { ObjectSource, ReadOptions, UploadParts } from "../../lib/storage/store.ts"

/** `length` bytes that look like noise and are the same in every run. */
export function noise(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  let state = seed * 2654435761
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

/** A body that gives the same bytes as often as it is asked. */
export function partsOf(bytes: Uint8Array): UploadParts {
  return {
    size: bytes.length,
    async read(start, end, signal) {
      signal?.throwIfAborted()
      return bytes.subarray(start, end)
    },
  }
}

export async function bytesAt(source: ObjectSource, key: string, options?: ReadOptions): Promise<Uint8Array> {
  const { stream } = await source.read(key, options)
  return new Response(stream).bytes()
}

export async function keysIn(source: ObjectSource, prefix = ""): Promise<string[]> {
  return (await Array.fromAsync(source.list(prefix))).map(({ key }) => key)
}

/**
 * What a promise is rejected with. For promises that are still pending: `expect(promise).rejects` waits for them in an
 * event loop of its own, in which a server of the same process may not get its turn.
 */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error("it did not fail")
}
