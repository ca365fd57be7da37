/** Things by name, as many as there is room for; the one not used for longest goes first. */
export interface Lru<T> {
  get(name: string): T | undefined
  set(name: string, value: T): void
}

/** @param weigh how much room a thing takes; what takes more than all of it is not kept */
export function lru<T>(capacity: number, weigh: (value: T) => number): Lru<T> {
  const entries = new Map<string, { readonly value: T; readonly weight: number }>()
  let taken = 0
  const forget = (name: string) => {
    taken -= entries.get(name)?.weight ?? 0
    entries.delete(name)
  }
  const use = (name: string, value: T) => {
    forget(name)
    const weight = weigh(value)
    if (weight > capacity) return
    entries.set(name, { value, weight })
    taken += weight
    for (const oldest of entries.keys()) {
      if (taken <= capacity) break
      forget(oldest)
    }
  }
  return {
    get(name) {
      const value = entries.get(name)?.value
      if (value !== undefined) use(name, value)
      return value
    },
    set: use,
  }
}
