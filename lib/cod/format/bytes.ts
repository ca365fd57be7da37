/**
 * Bytes that can be read from any place: a file, an object in a store, memory. Readers of formats take this, so
 * that they fetch no more than they look at.
 */
export interface RandomAccess {
  /** Bytes that there are. */
  readonly size: number
  /**
   * The bytes from `start` up to `end`, exclusive: exactly `end - start` of them. The result may share memory with
   * its source and is not to be written to.
   *
   * @throws RangeError when the range is not within 0 .. `size`; else what the place throws that it cannot be read
   */
  read(start: number, end: number, signal?: AbortSignal): Promise<Uint8Array>
}

/** Bytes that are in memory already. */
export function inMemory(bytes: Uint8Array): RandomAccess {
  return {
    size: bytes.length,
    async read(start, end, signal) {
      signal?.throwIfAborted()
      if (!(0 <= start && start <= end && end <= bytes.length)) {
        throw new RangeError(`no bytes ${start} .. ${end} in ${bytes.length}`)
      }
      return bytes.subarray(start, end)
    },
  }
}
