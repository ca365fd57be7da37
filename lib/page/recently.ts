import type { PageDeps } from "./page.ts"

/** What is found out costs at most this part of the time. */
const MOST_OF_TIME = 1 / 20

/**
 * What was found out some seconds ago is still good enough, longer where it takes long; all who ask at once wait for the
 * same. What could not be found out is tried again by the next one.
 */
export function recently<T>(
  seconds: number,
  find: (deps: PageDeps) => Promise<T>,
): (deps: PageDeps) => Promise<T> {
  const found = new WeakMap<PageDeps, { readonly answer: Promise<T>; staleMs: number }>()
  return (deps) => {
    const nowMs = () => deps.clock.now().getTime()
    const known = found.get(deps)
    if (known !== undefined && nowMs() < known.staleMs) return known.answer
    const begun = nowMs()
    const entry = { answer: find(deps), staleMs: Number.POSITIVE_INFINITY }
    found.set(deps, entry)
    entry.answer.then(
      () => {
        const ended = nowMs()
        entry.staleMs = ended + Math.max(seconds * 1000, (ended - begun) / MOST_OF_TIME)
      },
      () => found.delete(deps),
    )
    return entry.answer
  }
}
