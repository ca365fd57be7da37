import { NotFound } from "../../storage/errors.ts"
import type { Generation, ObjectSource } from "../../storage/store.ts"
import type { Clock } from "../../support/clock.ts"
import { UsageError } from "../../support/errors.ts"
import { CODObjectNotFoundError, InstanceNotFoundError } from "../errors.ts"
import { type SeriesKeys, type SeriesPlace, seriesKeys, seriesUri } from "../format/layout.ts"
import type { InstanceRecord, SeriesMetadata } from "../format/metadata/types.ts"
import type { LoadedMetadata, MetadataCache } from "../metadata-cache.ts"
import type { Metrics } from "../metrics.ts"
import type { StoredObject } from "./object-bytes.ts"
import type { Scratch } from "./scratch.ts"

/** What reading a series needs beside the series itself. */
export interface SeriesMeans {
  readonly source: ObjectSource
  /** What all keys of the datastore begin with in that store. */
  readonly prefix: string
  readonly cache: MetadataCache
  readonly scratch: Scratch
  readonly clock: Clock
  readonly metrics: Metrics
}

/** Metadata and tar that did not agree, however long they were waited for. */
export interface Standstill {
  readonly metadata: Generation
  readonly tar: Generation | undefined
}

/** One series that is read, and its metadata as it was last seen. */
export interface Series extends SeriesMeans, Disposable {
  readonly place: SeriesPlace
  /** `D/studies/ST/series/SE` */
  readonly uri: string
  readonly tar: StoredObject
  readonly metadataJson: StoredObject
  /** Any other of its objects. */
  object(name: keyof SeriesKeys): StoredObject
  /** The last one that was met: it is not waited for again. */
  standstill: Standstill | undefined
  /** As last read or written; undefined when it never was. */
  readonly seen: LoadedMetadata | undefined
  /** As last seen; read when it never was. @throws CODObjectNotFoundError, InvalidMetadata, UsageError once disposed of */
  metadata(signal?: AbortSignal): Promise<LoadedMetadata>
  /** As it is now. @throws CODObjectNotFoundError, InvalidMetadata */
  reload(signal?: AbortSignal): Promise<LoadedMetadata>
  /** As it was just written. */
  wrote(loaded: LoadedMetadata): void
  /** @throws UsageError once it was disposed of */
  requireOpen(): void
  /** From now on it is not read any more. What it was opened with goes its own way. */
  [Symbol.dispose](): void
}

export function openSeries(place: SeriesPlace, means: SeriesMeans): Series {
  const { source, prefix, cache, metrics } = means
  const keys = seriesKeys(place.studyUid, place.seriesUid)
  const uri = seriesUri(place)
  const object = (name: keyof SeriesKeys) => ({ source, key: prefix + keys[name] })
  const metadataJson = object("metadata")
  let seen: LoadedMetadata | undefined
  let isOpen = true

  const requireOpen = () => {
    if (!isOpen)
      throw new UsageError(`${uri} was closed`, "Read it before it is disposed of, or open it again.")
  }

  const reload = async (signal?: AbortSignal) => {
    requireOpen()
    try {
      seen = await cache.newest(metadataJson, metrics, signal)
      return seen
    } catch (cause) {
      throw cause instanceof NotFound ? new CODObjectNotFoundError(uri, cause) : cause
    }
  }

  return {
    ...means,
    place,
    uri,
    tar: object("tar"),
    metadataJson,
    object,
    standstill: undefined,
    get seen() {
      return seen
    },
    requireOpen,
    async metadata(signal) {
      requireOpen()
      return seen ?? (await reload(signal))
    },
    reload,
    wrote(loaded) {
      seen = loaded
    },
    [Symbol.dispose]() {
      isOpen = false
    },
  }
}

/**
 * What the metadata says of an instance.
 * @throws InstanceNotFoundError, InvalidMetadata when it says what cannot be understood
 */
export function recordOf({ uri }: Series, { series }: LoadedMetadata, key: string): InstanceRecord {
  const entry = series.instances.get(key)
  if (entry === undefined) throw new InstanceNotFoundError(uri, key)
  if (entry.kind === "unreadable") throw entry.problem
  return entry
}

/** All instances that can be understood, in the document's order. */
export function recordsOf({ instances }: SeriesMetadata): InstanceRecord[] {
  const records: InstanceRecord[] = []
  for (const key of instances.keys()) {
    const entry = instances.get(key)
    if (entry?.kind === "instance") records.push(entry)
  }
  return records
}
