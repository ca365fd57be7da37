import type { RandomAccess } from "../bytes.ts"

// Headers of large members stand alone: more than this would be fetched for nothing. Small members and searches go
// on and on: there each read is twice as long as the one before.
const SHORTEST = 8 << 10
const LONGEST = 1 << 20

/** The same bytes for a reader that mostly goes forward in small steps and now and then leaps. */
export function readAhead(source: RandomAccess): RandomAccess {
  let window: Uint8Array = new Uint8Array(0)
  let from = Number.NEGATIVE_INFINITY
  let length = SHORTEST
  return {
    size: source.size,
    async read(start, end, signal) {
      const to = from + window.length
      if (start < from || end > to) {
        const goesOn = start >= from && start <= to + length
        length = goesOn ? Math.min(2 * length, LONGEST) : SHORTEST
        window = await source.read(start, Math.max(end, Math.min(start + length, source.size)), signal)
        from = start
      }
      return window.subarray(start - from, end - from)
    },
  }
}
