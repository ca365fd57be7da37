import { type Html, html } from "../../../support/html.ts"
import type { PageRequest, RenderContext, View } from "../../page.ts"
import { NOW_EVENTS } from "./live.ts"
import { type Now, readNow } from "./read.ts"
import { drawNow } from "./render.ts"

/** What the box is doing. */
export function nowView({ deps, context }: PageRequest): View {
  return { title: "Now", nav: "Now", body: renderNow(readNow(deps), context) }
}

/** In a browser it moves by itself; a static file tells of the moment at which it was made. */
export function renderNow(now: Now, context: RenderContext): Html {
  const { isStatic, base } = context
  const drawn = drawNow(now, context)
  return isStatic ? drawn : html`<div data-live="${base}${NOW_EVENTS.path}">${drawn}</div>`
}
