import { instanceUri } from "../format/layout.ts"
import type { Instance } from "../instance.ts"
import type { LoadedInstances } from "../reading/instances.ts"
import type { SeriesReader } from "../reading/reader.ts"
import { ByteView } from "../view.ts"
import { bytesOf, type Piece } from "./pieces.ts"

/**
 * The instances of a series that is being changed: those that are not stored yet are read from where they wait for it.
 * @param added the bytes of one that is not stored yet, asked at each opening: it may be stored by then
 */
export function withAdded(
  instances: LoadedInstances,
  reader: SeriesReader,
  added: (key: string) => Piece | undefined,
): LoadedInstances {
  const placed = (instance: Instance): Instance => {
    const { key } = instance.record!
    if (added(key) === undefined) return instance
    const open = async (signal?: AbortSignal) => {
      const piece = added(key)
      return piece === undefined ? await reader.openInstance(key, signal) : new ByteView(bytesOf(piece))
    }
    instance.moveTo({ uri: instanceUri(reader.series.place, key), open })
    return instance
  }
  const all = () => instances.all().entries()
  return {
    ...instances,
    get: (key) => placed(instances.get(key)),
    of: (record) => placed(instances.of(record)),
    all: () => new Map(all().map(([key, instance]) => [key, placed(instance)])),
  }
}
