import type { ObjectStore } from "../../storage/store.ts"
import { CODError, MetadataFieldExistsError } from "../errors.ts"
import { parseJson, stringifyJson } from "../format/json.ts"
import { requireFieldName } from "../format/metadata/series.ts"
import type { InstanceRecord, SeriesMetadata } from "../format/metadata/types.ts"
import { BLOCK } from "../format/tar/member.ts"
import type { Instance } from "../instance.ts"
import type { LoadedMetadata } from "../metadata-cache.ts"
import type { Series } from "../reading/series.ts"
import { TAR_RECORD, type TarRecord, tarRecordOf } from "../reading/tar-record.ts"
import type { GeneratedThumbnail } from "../thumbnail/generate.ts"
import { thumbnailStage } from "../thumbnail/stage.ts"
import { type AppendOptions, type AppendResult, appendTo } from "./append.ts"
import { bytesIn, draftOf, isChanged, keptIn } from "./draft.ts"
import { lookAtFittingTar, lostIn } from "./fitting-tar.ts"
import { openHolding } from "./holding.ts"
import type { Piece } from "./pieces.ts"
import { removeFrom } from "./remove.ts"
import { lookAtTar, type StoredTar } from "./stored-tar.ts"
import { metadataOf, type SyncOptions, syncDraft, tarRecord } from "./sync.ts"

/** Changes one series: first here, then, by `sync`, where it is stored. */
export interface SeriesWriter {
  /** As it will be written. */
  readonly metadata: SeriesMetadata
  readonly isChanged: boolean
  /** Whether a `sync` failed that may have stored the tar, and not the metadata that go with it. */
  readonly isHalfStored: boolean
  append(instances: readonly Instance[], options?: AppendOptions, signal?: AbortSignal): Promise<AppendResult>
  /** Takes instances out. @throws InstanceNotFoundError for the first key that is not there: nothing was changed then */
  remove(keys: readonly string[]): void
  /** Takes all others out, and what the tar holds beside the instances. @throws as `remove` */
  truncate(keys: readonly string[]): void
  /** @throws InvalidMetadata for a name of the format's own, MetadataFieldExistsError */
  setField(name: string, value: unknown, options?: { readonly overwrite?: boolean }): void
  /** @returns whether it was there */
  removeField(name: string): boolean
  /** The next `sync` stores it, and the field that describes it. */
  setThumbnail(thumbnail: GeneratedThumbnail): void
  /** One that is not stored yet. */
  readonly thumbnail: GeneratedThumbnail | undefined
  /** Bytes of an instance that is not stored yet. */
  addedBytes(key: string): Piece | undefined
  /** Uploads what was changed. @returns the metadata that stands there now; undefined when there was nothing to upload */
  sync(options?: SyncOptions, signal?: AbortSignal): Promise<LoadedMetadata | undefined>
  /** After a `sync`: deletes the thumbnail that the metadata named before, where it was of another kind. */
  removeOldThumbnail(signal?: AbortSignal): Promise<void>
}

export interface WriterOptions {
  readonly series: Series
  readonly store: ObjectStore
  /** As read when nobody else could write any more; undefined for a series that is not stored. */
  readonly loaded: LoadedMetadata | undefined
  readonly hashedUids: boolean
  /** Whether a write of ours may have been cut off; undefined when nobody knows. */
  readonly afterCrash?: boolean | undefined
  storedInstance(key: string, signal?: AbortSignal): Promise<Instance>
}

export function openWriter({
  series,
  store,
  loaded,
  hashedUids,
  afterCrash,
  storedInstance,
}: WriterOptions): SeriesWriter {
  const { place, scratch, clock, metrics } = series
  const holding = openHolding(scratch)
  let draft = draftOf(loaded, { ...place, hashedUids })
  let record = loaded && tarRecordOf(series, loaded.series)
  let tar: { readonly stored: StoredTar | undefined } | undefined
  let isHalfStored = false
  const stage = thumbnailStage(series, store)

  const looked = (signal?: AbortSignal) =>
    // What a sync of our own left explains the rest.
    afterCrash === false && !isHalfStored
      ? lookAtFittingTar(series, loaded?.series, signal)
      : lookAtTar(series, signal)
  const lookedAtTar = async (signal?: AbortSignal) => {
    tar ??= { stored: await looked(signal) }
    return tar.stored
  }

  /** What a write that was cut off left in the tar, and nothing that is appended replaces: from now on it is known. */
  const acceptTar = async (signal?: AbortSignal) => {
    if (draft.changed.tar || record === undefined) return
    const stored = await lookedAtTar(signal)
    if (stored === undefined || stored.info.generation === record.generation) return
    if (lostIn(stored, metadataOf(draft)) !== undefined) return
    record = tarRecord({ series, draft, stored, record }, stored.info)
    draft.fields.set(TAR_RECORD, record)
    draft.changed.index = true
    draft.changed.metadata = true
  }

  /** Where the next member goes as long as none is removed; the tar's plan has the last word. */
  let end: number | undefined
  const position = async (signal?: AbortSignal) => {
    const stored = await lookedAtTar(signal)
    end ??= stored?.open?.end ?? stored?.info.size ?? 0
    return end
  }
  const placed = ({ startByte, size }: InstanceRecord) => {
    end = startByte + Math.ceil(size / BLOCK) * BLOCK
  }

  return {
    get metadata() {
      return metadataOf(draft)
    },
    get isChanged() {
      return isChanged(draft)
    },
    get isHalfStored() {
      return isHalfStored
    },
    addedBytes: (key) => bytesIn(draft, key),

    async append(instances, options, signal) {
      const before = end
      const to = { draft, place, holding, now: () => clock.now(), position, placed, storedInstance }
      try {
        const result = await appendTo(to, instances, options, signal)
        if (afterCrash === true) await acceptTar(signal)
        count(metrics, result)
        return result
      } catch (error) {
        end = before
        holding.keepOnly(keptIn(draft))
        throw error
      }
    },

    remove(keys) {
      removeFrom(draft, series.uri, keys)
      holding.keepOnly(keptIn(draft))
    },

    truncate(keys) {
      const kept = new Set(keys)
      removeFrom(
        draft,
        series.uri,
        [...draft.instances.keys()].filter((key) => !kept.has(key)),
        keys,
      )
      draft.dropOrphans = true
      draft.changed.tar = true
      holding.keepOnly(keptIn(draft))
    },

    setField(name, value, { overwrite = true } = {}) {
      if (!overwrite && draft.fields.has(name)) throw new MetadataFieldExistsError(series.uri, name)
      // What cannot be told in JSON is refused here, not when half of the series is stored.
      draft.fields.set(fieldName(name), parseJson(stringifyJson(value)))
      draft.changed.metadata = true
    },

    removeField(name) {
      const isThere = draft.fields.delete(fieldName(name))
      draft.changed.metadata ||= isThere
      return isThere
    },

    get thumbnail() {
      return stage.waiting(draft.fields)
    },

    setThumbnail(generated) {
      stage.put(generated, draft.fields)
      draft.changed.metadata = true
    },

    async sync(options, signal) {
      if (!isChanged(draft)) return undefined
      const stored = draft.changed.tar || draft.changed.index ? await lookedAtTar(signal) : undefined
      const onTar = (uploaded: { readonly stored: StoredTar; readonly record: TarRecord }) => {
        ;({ record } = uploaded)
        tar = uploaded
        end = undefined
      }
      try {
        const beforeMetadata = () => stage.upload(draft.fields, signal)
        const to = {
          series,
          store,
          draft,
          stored,
          record,
          afterCrash,
          now: clock.now(),
          onTar,
          beforeMetadata,
        }
        const written = await syncDraft(to, options, signal)
        draft = draftOf(written, { ...place, hashedUids })
        holding.keepOnly([])
        isHalfStored = false
        return written
      } catch (error) {
        isHalfStored ||= draft.changed.tar || draft.uploaded.size > 0
        // Whether it is stored nobody knows: it is looked at again.
        if (draft.changed.tar) tar = end = undefined
        throw error
      }
    },

    removeOldThumbnail: (signal) => stage.finish(draft.fields, signal),
  }
}

/** The record of the tar is ours to write, like the parts of the format. */
function fieldName(name: string): string {
  if (name !== TAR_RECORD) return requireFieldName(name)
  throw new CODError(`the field ${name} is written by the library itself`, { facts: { field: name } })
}

function count(metrics: Series["metrics"], result: AppendResult): void {
  if (result.new.length === 0) return
  metrics.add("appendSuccesses", result.new.length)
  metrics.add("appendDuplicates", result.same.length)
  metrics.add("appendConflicts", result.conflict.length)
  metrics.add("appendFails", result.errors.length)
}

export type { AppendOptions, AppendResult } from "./append.ts"
export type { SyncOptions } from "./sync.ts"
