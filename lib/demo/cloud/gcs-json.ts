import type { Answer } from "./answer.ts"
import type { Call } from "./call.ts"
import { selectFields } from "./gcs-fields.ts"

/** 200 with what the request's `fields` leave of the document. */
export function jsonAnswer(call: Call, document: unknown): Answer {
  return {
    status: 200,
    headers: { "content-type": "application/json; charset=UTF-8" },
    body: JSON.stringify(selectFields(document, call.url.searchParams.get("fields"))),
  }
}
