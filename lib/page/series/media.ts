import { VERSION } from "../../support/version.ts"

/** A picture or a video as it is sent. */
export interface Media {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly type: "image/jpeg" | "video/mp4"
}

/** The name of what one version of this program makes of one generation of a series. */
export function etagOf(generation: string): string {
  return `"${Bun.hash(`${VERSION} ${generation}`).toString(36)}"`
}

/** Whether whoever asks has it already (RFC 9110, section 13.1.2). */
export function isKnown(request: Request, etag: string): boolean {
  const known = request.headers.get("if-none-match")
  return known?.split(",").some((one) => one.trim().replace(/^W\//, "") === etag) === true
}

/** Browsers keep it for this session alone, and ask after a while whether it is still the same. */
export const CACHED = { "cache-control": "private, max-age=300", vary: "cookie" }

export function notModified(etag: string): Response {
  return new Response(null, { status: 304, headers: { ...CACHED, etag } })
}

/** All of it, or the part that the request asks for: browsers want to jump within videos (RFC 9110, section 14). */
export function mediaResponse(request: Request, { bytes, type }: Media, etag: string): Response {
  const headers = { ...CACHED, "content-type": type, etag, "accept-ranges": "bytes" }
  const ifRange = request.headers.get("if-range")
  const asked = ifRange === null || ifRange === etag ? request.headers.get("range") : null
  const range = rangeIn(asked, bytes.length)
  if (range === undefined) return new Response(bytes, { headers })
  if (range === "outside") {
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${bytes.length}` } })
  }
  const { start, end } = range
  return new Response(bytes.subarray(start, end), {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${start}-${end - 1}/${bytes.length}` },
  })
}

/** One range; of several, and of what is none, nothing is known here: then all of it is sent. */
function rangeIn(
  header: string | null,
  size: number,
): { readonly start: number; readonly end: number } | "outside" | undefined {
  const [whole, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? []
  if (whole === undefined || (first === "" && last === "")) return undefined
  if (first === "") {
    const length = Math.min(Number(last), size)
    return length === 0 ? "outside" : { start: size - length, end: size }
  }
  const start = Number(first)
  if (start >= size) return "outside"
  if (last !== "" && Number(last) < start) return undefined
  return { start, end: last === "" ? size : Math.min(Number(last) + 1, size) }
}
