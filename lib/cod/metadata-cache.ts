import { NotFound } from "../storage/errors.ts"
import type { Generation } from "../storage/store.ts"
import { DEFAULT_LIMITS, parseSeriesMetadata } from "./format/metadata/series.ts"
import type { MetadataLimits, SeriesMetadata } from "./format/metadata/types.ts"
import type { Metrics } from "./metrics.ts"
import { decompressedSize, wholeMetadata } from "./reading/metadata-bytes.ts"
import { nameOf, type StoredObject } from "./reading/object-bytes.ts"
import { sharedWork } from "./reading/shared-work.ts"

/** A series' metadata as one generation of its metadata.json has it. */
export interface LoadedMetadata {
  readonly generation: Generation
  readonly series: SeriesMetadata
}

export interface MetadataCacheOptions {
  /** Bytes of all documents that are kept, as they are decompressed; those not used for longest go first. */
  readonly maxBytes?: number
  readonly limits?: MetadataLimits
}

const DEFAULT_MAX_BYTES = 256 * 2 ** 20

/**
 * Metadata of series, read once per generation, for all who share it: hand one to whatever opens series of the same
 * stores. Who asks while a document is being read waits for that one read; a read that failed is not remembered.
 */
export class MetadataCache {
  readonly #maxBytes: number
  readonly #limits: MetadataLimits
  /** In the order of their last use. */
  readonly #entries = new Map<string, LoadedMetadata & { readonly bytes: number }>()
  readonly #reads = sharedWork<LoadedMetadata>()
  #bytes = 0

  constructor({ maxBytes = DEFAULT_MAX_BYTES, limits = DEFAULT_LIMITS }: MetadataCacheOptions = {}) {
    this.#maxBytes = maxBytes
    this.#limits = limits
  }

  /** Bytes of what is kept. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * The newest metadata at this place. Costs one read; where a generation is known already, a look, and the read only
   * when there is another one.
   * @param metrics are told whether this call had to read
   * @throws NotFound, InvalidMetadata, TooLarge, StorageError
   */
  async newest(object: StoredObject, metrics: Metrics, signal?: AbortSignal): Promise<LoadedMetadata> {
    let hadToRead = false
    const find = async (shared: AbortSignal) => {
      const known = await this.#newestKnown(object, shared)
      hadToRead = known === undefined
      return known ?? (await this.#read(object, shared))
    }
    const loaded = await this.#reads.join(nameOf(object), find, signal)
    metrics.add(hadToRead ? "metadataCacheMisses" : "metadataCacheHits")
    return loaded
  }

  /** @returns undefined when it has to be read */
  async #newestKnown(object: StoredObject, signal: AbortSignal): Promise<LoadedMetadata | undefined> {
    const name = nameOf(object)
    const known = this.#entries.get(name)
    if (known === undefined) return undefined
    const info = await object.source.head(object.key, signal)
    if (info?.generation === known.generation) return this.#use(name, known)
    this.#forget(name)
    if (info !== undefined) return undefined
    throw new NotFound(`${name}: no such object`, { store: object.source.uri, key: object.key })
  }

  async #read(object: StoredObject, signal: AbortSignal): Promise<LoadedMetadata> {
    const { info, bytes } = await wholeMetadata(object, this.#limits.documentBytes, signal)
    const series = parseSeriesMetadata(bytes, this.#limits)
    const entry = { generation: info.generation, series, bytes: decompressedSize(bytes) }
    return this.#use(nameOf(object), entry)
  }

  /** Puts it behind all others, and makes room. What alone is larger than the cache is not kept. */
  #use(name: string, entry: LoadedMetadata & { readonly bytes: number }): LoadedMetadata {
    this.#forget(name)
    if (entry.bytes > this.#maxBytes) return entry
    this.#entries.set(name, entry)
    this.#bytes += entry.bytes
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.#forget(oldest)
    }
    return entry
  }

  #forget(name: string): void {
    this.#bytes -= this.#entries.get(name)?.bytes ?? 0
    this.#entries.delete(name)
  }
}
