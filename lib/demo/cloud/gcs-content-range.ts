import { invalid } from "./gcs-errors.ts"

/** What a `PUT` to a resumable session says that it carries. `end` is exclusive. */
export type ContentRange =
  | { readonly kind: "all"; readonly start: 0; readonly total: undefined }
  | {
      readonly kind: "chunk"
      readonly start: number
      readonly end: number
      readonly total: number | undefined
    }
  | { readonly kind: "query"; readonly total: number | undefined }

/** What carries bytes. */
export type ChunkRange = Exclude<ContentRange, { kind: "query" }>

/** `bytes a-b/N`, `bytes a-b/*`, `bytes *\/N`, `bytes *\/*`, or no header at all: the whole object. */
export function parseContentRange(header: string | null): ContentRange {
  if (header === null) return { kind: "all", start: 0, total: undefined }
  const match = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(header)
  if (match === null) throw invalid(`Failed to parse Content-Range header: ${header}`)
  const total = match[3] === "*" ? undefined : Number(match[3])
  if (match[1] === undefined) return { kind: "query", total }
  const start = Number(match[1])
  const end = Number(match[2]) + 1
  if (end <= start || (total !== undefined && end > total)) {
    throw invalid(`Failed to parse Content-Range header: ${header}`)
  }
  return { kind: "chunk", start, end, total }
}
