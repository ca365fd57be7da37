import { Unavailable } from "../storage/errors.ts"

/**
 * Watches a counter of bytes and calls `abort` when it has stood still for `stallMs`. There is no total deadline: a
 * slow transfer that moves is left alone. Disposing it ends the watch.
 */
export function watchProgress(
  bytes: () => number,
  stallMs: number,
  abort: (reason: Unavailable) => void,
): Disposable {
  let seen = bytes()
  let movedAt = performance.now()
  const timer = setInterval(
    () => {
      const now = bytes()
      if (now !== seen) {
        seen = now
        movedAt = performance.now()
      } else if (performance.now() - movedAt >= stallMs) {
        abort(new Unavailable(`no byte for ${stallMs / 1000} s`, { received: now }))
      }
    },
    Math.max(1, stallMs / 8),
  )
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
