/**
 * A map of entries that are made when they are asked for, each once: whoever wants one of a thousand does not pay for
 * the others. In the order of `sources`.
 */
export class LazyMap<Source, Entry> implements ReadonlyMap<string, Entry> {
  readonly #sources: ReadonlyMap<string, Source>
  readonly #make: (key: string, source: Source) => Entry
  readonly #made = new Map<string, Entry>()

  constructor(sources: ReadonlyMap<string, Source>, make: (key: string, source: Source) => Entry) {
    this.#sources = sources
    this.#make = make
  }

  get size(): number {
    return this.#sources.size
  }

  has(key: string): boolean {
    return this.#sources.has(key)
  }

  get(key: string): Entry | undefined {
    const source = this.#sources.get(key)
    return source === undefined ? undefined : this.#entry(key, source)
  }

  keys(): MapIterator<string> {
    return this.#sources.keys()
  }

  *values(): MapIterator<Entry> {
    for (const [, entry] of this) yield entry
  }

  *entries(): MapIterator<[string, Entry]> {
    for (const [key, source] of this.#sources) yield [key, this.#entry(key, source)]
  }

  [Symbol.iterator](): MapIterator<[string, Entry]> {
    return this.entries()
  }

  forEach(action: (entry: Entry, key: string, map: ReadonlyMap<string, Entry>) => void): void {
    for (const [key, entry] of this) action(entry, key, this)
  }

  #entry(key: string, source: Source): Entry {
    const made = this.#made.get(key)
    if (made !== undefined) return made
    const entry = this.#make(key, source)
    this.#made.set(key, entry)
    return entry
  }
}
