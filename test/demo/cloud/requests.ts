import type { Cloud } from "../../../lib/demo/cloud/server.ts"

/** Plain requests to the stand-in, as its clients send them. */

export const KIB256 = 256 * 1024

export interface Resource {
  readonly name: string
  readonly generation: string
  readonly metageneration: string
  readonly size: string
  readonly md5Hash: string
  readonly crc32c: string
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly storageClass: string
  readonly metadata?: Record<string, string>
}

export function insert(
  cloud: Cloud,
  name: string,
  body: Uint8Array | string,
  { params = {}, headers = {} }: { params?: Record<string, string>; headers?: Record<string, string> } = {},
): Promise<Response> {
  const query = new URLSearchParams({ uploadType: "media", name, ...params })
  return fetch(`${cloud.url}/upload/storage/v1/b/dest/o?${query}`, {
    method: "POST",
    body: sendable(body),
    headers,
  })
}

export function insertMultipart(
  cloud: Cloud,
  resource: object,
  body: Uint8Array | string,
  params: Record<string, string> = {},
): Promise<Response> {
  const query = new URLSearchParams({ uploadType: "multipart", ...params })
  return fetch(`${cloud.url}/upload/storage/v1/b/dest/o?${query}`, {
    method: "POST",
    headers: { "content-type": "multipart/related; boundary=line" },
    body: multipart(resource, body),
  })
}

export function multipart(resource: object, body: Uint8Array | string): Buffer<ArrayBuffer> {
  return Buffer.concat([
    Buffer.from(`--line\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(resource)}`),
    Buffer.from("\r\n--line\r\nContent-Type: text/x-part\r\n\r\n"),
    typeof body === "string" ? Buffer.from(body) : body,
    Buffer.from("\r\n--line--\r\n"),
  ])
}

/** Opens a resumable session and returns its address. */
export async function openSession(
  cloud: Cloud,
  name: string,
  {
    params = {},
    headers = {},
    resource = {},
  }: { params?: Record<string, string>; headers?: Record<string, string>; resource?: object } = {},
): Promise<string> {
  const query = new URLSearchParams({ uploadType: "resumable", name, ...params })
  const response = await fetch(`${cloud.url}/upload/storage/v1/b/dest/o?${query}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(resource),
  })
  const location = response.headers.get("location")
  if (response.status !== 200 || location === null) throw new Error(`no session: ${response.status}`)
  return location
}

export function putChunk(
  session: string,
  body: Uint8Array | string,
  contentRange?: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const range: Record<string, string> = contentRange === undefined ? {} : { "content-range": contentRange }
  return fetch(session, { method: "PUT", body: sendable(body), headers: { ...range, ...headers } })
}

export function object(
  cloud: Cloud,
  name: string,
  params: Record<string, string> = {},
  init: BunFetchRequestInit = {},
): Promise<Response> {
  const query = new URLSearchParams(params)
  return fetch(`${cloud.url}/storage/v1/b/dest/o/${encodeURIComponent(name)}?${query}`, init)
}

export async function resourceOf(response: Response | Promise<Response>): Promise<Resource> {
  const answer = await response
  if (answer.status !== 200) throw new Error(`HTTP ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as Resource
}

/** Status and reason of an error answer of the JSON API. */
export async function gcsFailure(response: Response | Promise<Response>): Promise<[number, string]> {
  const answer = await response
  const { error } = (await answer.json()) as { error: { code: number; errors: [{ reason: string }] } }
  if (error.code !== answer.status) throw new Error(`HTTP ${answer.status} says ${error.code}`)
  return [answer.status, error.errors[0].reason]
}

/** Status and code of an error answer of S3. */
export async function s3Failure(
  response: Response | Promise<Response>,
): Promise<[number, string | undefined]> {
  const answer = await response
  return [answer.status, /<Code>(.*?)<\/Code>/.exec(await answer.text())?.[1]]
}

function sendable(body: Uint8Array | string) {
  return body as Uint8Array<ArrayBuffer> | string
}
