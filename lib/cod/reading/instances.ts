import { tarUri } from "../format/layout.ts"
import { Instance, type UidHashFunc } from "../instance.ts"
import type { LoadedMetadata } from "../metadata-cache.ts"
import { openPartOfFile } from "./open-uri.ts"
import type { PulledTar } from "./pull.ts"
import type { SeriesReader } from "./reader.ts"
import { recordsOf } from "./series.ts"

/** The instances that one generation of metadata has, by key, in the document's order; those that can be understood. */
export function instancesOf(
  reader: SeriesReader,
  loaded: LoadedMetadata,
  uidHashFunc: UidHashFunc | undefined,
): ReadonlyMap<string, Instance> {
  const { place } = reader.series
  return new Map(
    recordsOf(loaded.series).map((record) => {
      const { key } = record
      const home = {
        // Written down, never followed: the key may be anything.
        uri: `${tarUri(place)}://instances/${key}.dcm`,
        open: (signal?: AbortSignal) => reader.openInstance(key, signal),
      }
      return [key, new Instance({ dicomUri: home.uri, uidHashFunc }, { record, home })]
    }),
  )
}

/** From now on they are in this local tar. */
export function moveInto({ path }: PulledTar, instances: Iterable<Instance>): void {
  for (const instance of instances) {
    if (instance.record === undefined) continue
    const { key, startByte, size } = instance.record
    instance.moveTo({
      uri: `${path}://instances/${key}.dcm`,
      open: async () => openPartOfFile(path, startByte, startByte + size),
    })
  }
}
