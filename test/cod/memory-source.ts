import { NotFound, PreconditionFailed, RequestRefused } from "../../lib/storage/errors.ts"
import type { ObjectInfo, ObjectSource } from "../../lib/storage/store.ts"
import { crc32cBase64 } from "../../lib/support/checksums.ts"

/** Objects in memory, for what is tried many thousand times. */
export function memorySource(uri: string, objects: ReadonlyMap<string, Uint8Array>): ObjectSource {
  const infoOf = (key: string, bytes: Uint8Array): ObjectInfo => {
    const crc32c = crc32cBase64(bytes)
    return { key, size: bytes.length, crc32c, generation: crc32c, metadata: {} }
  }
  return {
    uri,
    async head(key) {
      const bytes = objects.get(key)
      return bytes && infoOf(key, bytes)
    },
    async read(key, { range, ifGeneration } = {}) {
      const bytes = objects.get(key)
      if (bytes === undefined) throw new NotFound(key, {})
      const info = infoOf(key, bytes)
      if (ifGeneration !== undefined && info.generation !== ifGeneration)
        throw new PreconditionFailed(key, {})
      const { start, end = bytes.length } = range ?? { start: 0 }
      if (range !== undefined && (start >= bytes.length || end <= start)) throw new RequestRefused(key, {})
      return { info, stream: new Blob([bytes.slice(start, end)]).stream() }
    },
    async *list(prefix) {
      for (const key of [...objects.keys()].toSorted()) {
        if (key.startsWith(prefix)) yield infoOf(key, objects.get(key)!)
      }
    },
  }
}
