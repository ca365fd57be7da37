import type { PageRequest } from "../page.ts"
import { plain } from "../respond.ts"
import { isSame } from "./tokens.ts"

/** A form has a few words. */
export const MAX_FORM_BYTES = 64 << 10

/**
 * The fields of a form that this page showed to this session. Every handler of POST reads its form by this alone.
 * @returns the answer that refuses it, where it came from another site, without the session's token, or is no form
 */
export async function sentForm(request: PageRequest): Promise<URLSearchParams | Response> {
  const fields = await fieldsOf(request.request)
  if (fields instanceof Response) return fields
  const { csrf } = request.context
  if (csrf !== undefined && isSame(fields.get("csrf") ?? "", csrf)) return fields
  return plain("this form is of another session; go back, load the page again, and send it once more", 403)
}

/**
 * The fields of a form that a page of this server sent, whoever looked at it: for the login, where there is no session
 * yet.
 */
export async function fieldsOf(request: Request): Promise<URLSearchParams | Response> {
  if (!isFromHere(request)) return plain("forms are taken from this page only", 403)
  if (mediaType(request) !== "application/x-www-form-urlencoded") return plain("this is not a form", 415)
  const body = await request.arrayBuffer()
  if (body.byteLength > MAX_FORM_BYTES) return plain("this form is too long", 413)
  return new URLSearchParams(new TextDecoder().decode(body))
}

/**
 * Whether a page of this server sent it, as the browser says (https://www.w3.org/TR/fetch-metadata/). It says so over
 * https and to this machine only; elsewhere the form's origin has the host that was asked, which a proxy must not change
 * then.
 */
function isFromHere({ headers }: Request): boolean {
  const site = headers.get("sec-fetch-site")
  if (site !== null) return site === "same-origin"
  const origin = headers.get("origin")
  const from = origin === null ? null : URL.parse(origin)
  // With the same scheme, so that a port that goes without saying is none.
  return from !== null && from.host === URL.parse(`${from.protocol}//${headers.get("host")}`)?.host
}

function mediaType({ headers }: Request): string {
  return (headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase()
}
