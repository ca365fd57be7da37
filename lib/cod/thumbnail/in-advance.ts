/** How things are opened, and how many ahead of the one that is worked on. */
export interface Advance<T, U> {
  open(item: T, signal?: AbortSignal): Promise<U>
  sizeOf(item: T): number
  readonly count: number
  /** What they may have together; one that is larger is opened when its turn has come. */
  readonly bytes: number
}

/** Opens things in their order; who works on one has the next ones opened meanwhile. @throws as `open`, in its turn */
export async function* inAdvance<T, U>(
  items: readonly T[],
  { open, sizeOf, count, bytes }: Advance<T, U>,
  signal?: AbortSignal,
): AsyncGenerator<U> {
  const given = new AbortController()
  const stop = signal === undefined ? given.signal : AbortSignal.any([signal, given.signal])
  const begun: Promise<U>[] = []
  const begin = (at: number) => {
    const opening = open(items[at]!, stop)
    // It is thrown when its turn comes, if it comes.
    opening.catch(() => undefined)
    begun[at] = opening
  }
  try {
    for (const at of items.keys()) {
      if (begun[at] === undefined) begin(at)
      const opened = await begun[at]!
      delete begun[at]
      let room = bytes
      for (let next = at + 1; next < Math.min(items.length, at + 1 + count); next += 1) {
        room -= sizeOf(items[next]!)
        if (room < 0) break
        if (begun[next] === undefined) begin(next)
      }
      yield opened
    }
  } finally {
    given.abort()
  }
}
