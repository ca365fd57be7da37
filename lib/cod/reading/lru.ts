/** So many things by name; the one not used for longest goes first. */
export interface Lru<T> {
  get(name: string): T | undefined
  set(name: string, value: T): void
}

export function lru<T>(capacity: number): Lru<T> {
  const entries = new Map<string, T>()
  const use = (name: string, value: T) => {
    entries.delete(name)
    entries.set(name, value)
  }
  return {
    get(name) {
      const value = entries.get(name)
      if (value !== undefined) use(name, value)
      return value
    },
    set(name, value) {
      use(name, value)
      for (const oldest of entries.keys()) {
        if (entries.size <= capacity) break
        entries.delete(oldest)
      }
    },
  }
}
