import type { Generation } from "../../storage/store.ts"
import type { LoadedMetadata } from "../metadata-cache.ts"
import type { CheckedInstance } from "./instance-bytes.ts"
import type { Series } from "./series.ts"
import { isMetadataAtRest } from "./settle.ts"
import { type TarRecord, tarRecordOf } from "./tar-record.ts"

/**
 * Which tar a part of an instance may be taken from. A part has no checksum of its own; it is right when the tar is one
 * that the metadata belongs to, and that is known of a tar
 *
 * - for one instance, when that instance was read from it and its CRC32C was right;
 * - for all, when any was and the series is at rest: whoever wrote it had put both in place;
 * - for all, when a record of our own in the metadata names it.
 */
export interface Trust {
  /** The record of our own, where there is one that fits. */
  record(loaded: LoadedMetadata): TarRecord | undefined
  /** An instance was checked. */
  proved(instance: CheckedInstance): void
  /** The tar that parts of this instance may be read from, if it still is the newest one: ask for its generation. */
  tarFor(loaded: LoadedMetadata, key: string, signal?: AbortSignal): Promise<Generation | undefined>
  /** That tar is not the newest one any more. */
  withdraw(): void
}

export function trustIn(series: Series): Trust {
  let known:
    | { readonly metadata: Generation; readonly tar: Generation; readonly keys: Set<string> | "all" }
    | undefined
  let distrusted: Generation | undefined
  let own: { readonly loaded: LoadedMetadata; readonly record: TarRecord | undefined } | undefined

  const record = (loaded: LoadedMetadata) => {
    if (own?.loaded !== loaded) own = { loaded, record: tarRecordOf(series, loaded.series) }
    return own.record
  }

  const byRecord = (loaded: LoadedMetadata) => {
    const { generation } = loaded
    const found = generation === distrusted ? undefined : record(loaded)
    if (found === undefined) return undefined
    known = { metadata: generation, tar: found.generation, keys: "all" }
    return known
  }

  return {
    record,

    proved({ loaded, tar, record }) {
      const isSame = known?.metadata === loaded.generation && known.tar === tar
      if (isSame && known?.keys === "all") return
      const keys = isSame && known?.keys instanceof Set ? known.keys : new Set<string>()
      known = { metadata: loaded.generation, tar, keys: keys.add(record.key) }
    },

    async tarFor(loaded, key, signal) {
      const now = known?.metadata === loaded.generation ? known : byRecord(loaded)
      if (now === undefined) return undefined
      if (now.keys === "all" || now.keys.has(key)) return now.tar
      const isAll = record(loaded)?.generation === now.tar || (await isMetadataAtRest(series, loaded, signal))
      if (!isAll) return undefined
      known = { ...now, keys: "all" }
      return now.tar
    },

    withdraw() {
      distrusted = known?.metadata
      known = undefined
    },
  }
}
