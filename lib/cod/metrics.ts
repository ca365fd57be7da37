/**
 * What was done, as plain numbers. Names are those of the Python package's counters where it has them.
 * `gets` counts tars that were read, whole or in part, by storage class; one that a store does not name is `unknown`.
 */
export interface MetricsSnapshot {
  /** How often metadata of a series was known already (to the cache, or being read for another), and had to be read. */
  readonly metadataCacheHits: number
  readonly metadataCacheMisses: number
  /** Instances and frames that were handed out, and their bytes. */
  readonly instancesRead: number
  readonly framesRead: number
  readonly bytesRead: number
  readonly gets: Readonly<Record<string, number>>
  /** Instances whose bytes did not fit the metadata at a first look, and for good. */
  readonly misfits: number
  readonly tarMetadataCrc32cMismatch: number
  /** Reads that began again because somebody was writing. */
  readonly reloads: number
  /** Files of an inventory that were not there. */
  readonly instancesNotFound: number
  /** Of appends that brought something new: what became of the instances handed in. */
  readonly appendSuccesses: number
  readonly appendDuplicates: number
  readonly appendConflicts: number
  readonly appendFails: number
}

export type Counter = Exclude<keyof MetricsSnapshot, "gets">

/** Counters of whoever is handed it; one may be shared by all. */
export class Metrics {
  readonly #counts: Record<Counter, number> = {
    metadataCacheHits: 0,
    metadataCacheMisses: 0,
    instancesRead: 0,
    framesRead: 0,
    bytesRead: 0,
    misfits: 0,
    tarMetadataCrc32cMismatch: 0,
    reloads: 0,
    instancesNotFound: 0,
    appendSuccesses: 0,
    appendDuplicates: 0,
    appendConflicts: 0,
    appendFails: 0,
  }
  readonly #gets = new Map<string, number>()

  add(counter: Counter, by = 1): void {
    this.#counts[counter] += by
  }

  /** A read of a tar or an index, of this storage class as far as the store told it. */
  got(storageClass: string | undefined): void {
    const name = storageClass ?? "unknown"
    this.#gets.set(name, (this.#gets.get(name) ?? 0) + 1)
  }

  /** All numbers as they are now. */
  snapshot(): MetricsSnapshot {
    return { ...this.#counts, gets: Object.fromEntries(this.#gets) }
  }
}
