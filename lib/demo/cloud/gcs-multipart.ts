import { invalid } from "./gcs-errors.ts"

export interface Multipart {
  readonly metadata: Uint8Array
  readonly media: Uint8Array
  readonly mediaType: string | undefined
}

const BLANK_LINE = "\r\n\r\n"

/**
 * The two parts of a `multipart/related` body (RFC 2387): the object's resource as JSON, then its bytes.
 * @throws Refusal 400 where the body is anything else
 */
export function parseMultipart(contentType: string, body: Uint8Array): Multipart {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const boundary = boundaryOf(contentType)
  const opening = Buffer.from(`--${boundary}\r\n`)
  if (!bytes.subarray(0, opening.length).equals(opening)) throw malformed()
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  const first = partAt(bytes, opening.length, delimiter)
  if (!/^application\/json\b/i.test(first.type ?? "")) throw malformed()
  const next = first.end + delimiter.length
  if (bytes.subarray(next, next + 2).toString("latin1") !== "\r\n") throw malformed()
  const second = partAt(bytes, next + 2, delimiter)
  const tail = bytes.subarray(second.end + delimiter.length).toString("latin1")
  if (tail !== "--" && tail !== "--\r\n") throw malformed()
  return { metadata: first.content, media: second.content, mediaType: second.type }
}

function partAt(bytes: Buffer, start: number, delimiter: Buffer) {
  // A part without headers begins with the blank line itself.
  const headersEnd =
    bytes.subarray(start, start + 2).toString("latin1") === "\r\n"
      ? start - 2
      : bytes.indexOf(BLANK_LINE, start)
  if (headersEnd < 0) throw malformed()
  const contentStart = headersEnd + BLANK_LINE.length
  const end = bytes.indexOf(delimiter, contentStart)
  if (end < 0) throw malformed()
  const headers = bytes.subarray(start, Math.max(start, headersEnd)).toString("utf8")
  return {
    type: /^content-type:[ \t]*(.*?)[ \t]*$/im.exec(headers)?.[1],
    content: bytes.subarray(contentStart, end),
    end,
  }
}

function boundaryOf(contentType: string): string {
  if (!/^multipart\/related\b/i.test(contentType)) throw malformed()
  const match = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType)
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined) throw malformed()
  return boundary
}

function malformed() {
  return invalid("Malformed multipart body.")
}
