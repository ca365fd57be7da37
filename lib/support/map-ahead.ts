/**
 * What `work` makes of each item, in order: it is begun on the next one while the caller still looks at the last. Whoever
 * stops early leaves nothing running behind: what was begun is awaited.
 */
export async function* mapAhead<T, R>(
  items: Iterable<T>,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, void> {
  const iterator = items[Symbol.iterator]()
  const begin = () => {
    const { done, value } = iterator.next()
    return done === true ? undefined : work(value)
  }
  let next = begin()
  // A failure that comes while the caller looks elsewhere is met when its turn comes, not as an unhandled rejection.
  let settled = Promise.allSettled([next])
  try {
    while (next !== undefined) {
      const result = await next
      next = begin()
      settled = Promise.allSettled([next])
      // Requests leave when the event loop turns: a caller that computes for long would hold this one back.
      await Bun.sleep(1)
      yield result
    }
  } finally {
    await settled
  }
}
