import { type Html, html } from "../../support/html.ts"

/** So much of a UID is shown at its beginning and at its end: UIDs of one maker begin alike. */
const ENDS = [6, 8] as const

/** A UID shortened in its middle, the whole of it for whoever hovers or selects what a screen reader reads. */
export function uid(text: string): Html {
  const [head, tail] = ENDS
  if (text.length <= head + tail + 1) return html`<code>${text}</code>`
  return html`<code class="uid" title="${text}">${text.slice(0, head)}…${text.slice(-tail)}</code>`
}
