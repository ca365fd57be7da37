import { tarUri } from "../format/layout.ts"
import type { InstanceRecord } from "../format/metadata/types.ts"
import { Instance, type UidHashFunc } from "../instance.ts"
import type { LoadedMetadata } from "../metadata-cache.ts"
import { openPartOfFile } from "./open-uri.ts"
import type { PulledTar } from "./pull.ts"
import type { SeriesReader } from "./reader.ts"
import { recordOf, recordsOf } from "./series.ts"

/** The instances that one generation of metadata has; each is made when it is asked for, and then stays the same. */
export interface LoadedInstances {
  readonly loaded: LoadedMetadata
  /** @throws InstanceNotFoundError, InvalidMetadata when its entry cannot be understood */
  get(key: string): Instance
  of(record: InstanceRecord): Instance
  /** All that can be understood, by key, in the document's order. */
  all(): ReadonlyMap<string, Instance>
}

export function instancesOf(
  reader: SeriesReader,
  loaded: LoadedMetadata,
  uidHashFunc: UidHashFunc | undefined,
): LoadedInstances {
  const { series } = reader
  const made = new Map<string, Instance>()

  const make = (record: InstanceRecord): Instance => {
    const { key } = record
    const home = {
      // Written down, never followed: the key may be anything.
      uri: `${tarUri(series.place)}://instances/${key}.dcm`,
      open: (signal?: AbortSignal) => reader.openInstance(key, signal),
    }
    const instance = new Instance(
      { dicomUri: home.uri, uidHashFunc },
      { record, home, scratch: series.scratch },
    )
    made.set(key, instance)
    return instance
  }
  const of = (record: InstanceRecord) => made.get(record.key) ?? make(record)

  return {
    loaded,
    of,
    get: (key) => made.get(key) ?? make(recordOf(series, loaded, key)),
    all: () => new Map(recordsOf(loaded.series).map((record) => [record.key, of(record)])),
  }
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
