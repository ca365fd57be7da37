/** `end` is exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

/**
 * The part of `size` bytes that a `Range` header asks for (RFC 9110, section 14). Anything that is no single
 * byte range is ignored, as both services do: the whole object is answered.
 */
export function requestedSpan(header: string | null, size: number): Span | "whole" | "unsatisfiable" {
  if (header === null) return "whole"
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim())
  if (match === null || (match[1] === "" && match[2] === "")) return "whole"
  if (match[1] === "") return suffixSpan(Number(match[2]), size)
  const start = Number(match[1])
  const end = match[2] === "" ? size : Math.min(Number(match[2]) + 1, size)
  if (match[2] !== "" && Number(match[2]) < start) return "whole"
  return start >= size ? "unsatisfiable" : { start, end }
}

function suffixSpan(length: number, size: number): Span | "unsatisfiable" {
  if (length === 0 || size === 0) return "unsatisfiable"
  return { start: Math.max(0, size - length), end: size }
}

export function contentRange({ start, end }: Span, size: number): string {
  return `bytes ${start}-${end - 1}/${size}`
}
