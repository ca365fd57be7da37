import { type Html, type HtmlValue, html } from "../../support/html.ts"
import type { RenderContext } from "../page.ts"

/** A link to another view; in a static file only its text. @param path as routes have it, its parts encoded */
export function link(path: string, text: HtmlValue, { base, isStatic }: RenderContext): Html {
  return isStatic ? html`${text}` : html`<a href="${base}${path}">${text}</a>`
}

/** A link to the view of a study. */
export function studyLink(studyId: string, context: RenderContext, text: HtmlValue = studyId): Html {
  return link(`/studies/${encodeURIComponent(studyId)}`, text, context)
}
