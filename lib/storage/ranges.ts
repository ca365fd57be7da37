import { RequestRefused } from "./errors.ts"
import { type Asked, describe } from "./failures.ts"
import type { ByteRange } from "./store.ts"

/**
 * `bytes=0-9` for the first ten bytes; undefined where the range is the whole object.
 * @throws RequestRefused for a range without bytes, which HTTP has no words for
 */
export function rangeHeader(asked: Asked, range: ByteRange | undefined): string | undefined {
  const { start, end } = range ?? { start: 0 }
  if (end === undefined) return start === 0 ? undefined : `bytes=${start}-`
  if (end > start) return `bytes=${start}-${end - 1}`
  throw refusedRange(asked, start, end)
}

/**
 * The part of an object that a range means, as services answer it: cut at the object's end, refused behind it.
 * @throws RequestRefused
 */
export function bytesOf(asked: Asked, range: ByteRange | undefined, size: number): Required<ByteRange> {
  if (range === undefined || rangeHeader(asked, range) === undefined) return { start: 0, end: size }
  const { start, end = size } = range
  if (start >= size) throw refusedRange(asked, start, end)
  return { start, end: Math.min(end, size) }
}

function refusedRange(asked: Asked, start: number, end: number): RequestRefused {
  return new RequestRefused(`${describe(asked)}: no bytes from ${start} to ${end}`, {
    store: asked.store,
    key: asked.key,
  })
}
