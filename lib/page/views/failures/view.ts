import { html } from "../../../support/html.ts"
import { toldOf } from "../../actions/told.ts"
import type { PageRequest, View } from "../../page.ts"
import { classAsked, keyAsked } from "./address.ts"
import { readFailureClass, readFailures } from "./read.ts"
import { renderFailureClass, renderFailures } from "./render.ts"

/** What failed, class by class, or one class of it. */
export function failuresView(request: PageRequest): View {
  const { deps, query, context } = request
  const of = classAsked(query)
  const nav = "Failures"
  if (of === undefined) {
    const body = renderFailures(readFailures(deps.ledger), context)
    return { title: "Failures", nav, body: html`${toldOf(request)}${body}` }
  }
  const data = readFailureClass(deps.ledger, of, keyAsked(query))
  return { title: of.errorClass, nav, body: renderFailureClass(data, context) }
}
