import { Unavailable } from "../../storage/errors.ts"
import type { Generation, ObjectInfo } from "../../storage/store.ts"
import type { RandomAccess } from "../format/bytes.ts"
import { bytesOfRange, nameOf, type StoredObject } from "./object-bytes.ts"

/** One generation of an object, read by ranges. */
export interface RemoteBytes extends RandomAccess {
  readonly generation: Generation
  /** What reading it tells: without custom metadata, and a file's CRC32C where it is known already. */
  readonly info: ObjectInfo
}

/**
 * An object as it is now. Reading it fails with `PreconditionFailed` once it is another.
 * @throws NotFound
 */
export async function openRemoteBytes(object: StoredObject, signal?: AbortSignal): Promise<RemoteBytes> {
  const { source, key } = object
  // Not by `head`, for which a store of files reads the whole file when it does not know its CRC32C.
  const { info } = await bytesOfRange(object, { start: 0, end: 1 }, undefined, signal)
  const { size, generation } = info
  return {
    size,
    generation,
    info,
    async read(start, end, signal) {
      if (!(0 <= start && start <= end && end <= size))
        throw new RangeError(`no bytes ${start} .. ${end} in ${size}`)
      if (start === end) return new Uint8Array(0)
      const { bytes } = await bytesOfRange(object, { start, end }, generation, signal)
      if (bytes.length === end - start) return bytes
      throw new Unavailable(`read ${nameOf(object)}: ${bytes.length} of ${end - start} bytes`, {
        store: source.uri,
        key,
      })
    },
  }
}

/** The part of `bytes` from `start` up to `end`, exclusive, as bytes of its own. */
export function windowOf(bytes: RandomAccess, start: number, end: number): RandomAccess {
  const size = end - start
  return {
    size,
    async read(from, to, signal) {
      if (!(0 <= from && from <= to && to <= size))
        throw new RangeError(`no bytes ${from} .. ${to} in ${size}`)
      return await bytes.read(start + from, start + to, signal)
    },
  }
}
