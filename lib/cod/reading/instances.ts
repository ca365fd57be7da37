import { instanceUri, memberName } from "../format/layout.ts"
import type { InstanceRecord } from "../format/metadata/types.ts"
import { Instance, type UidHashFunc } from "../instance.ts"
import type { LoadedMetadata } from "../metadata-cache.ts"
import { rangeOf, viewOf } from "./instance-bytes.ts"
import { openPartOfFile } from "./open-uri.ts"
import { sorted } from "./order.ts"
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
  /** The same in the order of the series, found out once; undefined when they cannot be put in order. */
  inOrder(): readonly InstanceRecord[] | undefined
}

export function instancesOf(
  reader: SeriesReader,
  loaded: LoadedMetadata,
  uidHashFunc: UidHashFunc | undefined,
): LoadedInstances {
  const { series } = reader
  const made = new Map<string, Instance>()

  let order: { readonly records: readonly InstanceRecord[] | undefined } | undefined

  const make = (record: InstanceRecord): Instance => {
    const { key } = record
    const home = {
      uri: instanceUri(series.place, key),
      open: async (signal?: AbortSignal) => {
        const found = await reader.readInstance(key, signal)
        instance.became(found.record)
        return viewOf(found)
      },
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
    inOrder() {
      order ??= { records: sorted(recordsOf(loaded.series)) }
      return order.records
    },
  }
}

/** From now on those whose very bytes the tar was found to hold are in it. */
export function moveInto({ path, loaded }: PulledTar, instances: Iterable<Instance>): void {
  for (const instance of instances) {
    const found = loaded.series.instances.get(instance.record!.key)
    if (found?.kind !== "instance" || !isSameFile(found, instance.record!)) continue
    const { start, end } = rangeOf(found)
    instance.moveTo({
      uri: `${path}://${memberName(found.key)}`,
      open: async () => openPartOfFile(path, start, end),
    })
  }
}

function isSameFile(a: InstanceRecord, b: InstanceRecord): boolean {
  return a.size === b.size && a.crc32c === b.crc32c
}
