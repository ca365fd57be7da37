import { type Html, html } from "../../support/html.ts"

/** A link to another part of a list; without an address there is none, and its place stays. */
export interface PagerLink {
  readonly text: string
  readonly href: string | undefined
}

/** Links to the other parts of a list that is shown in parts. */
export function pager(label: string, links: readonly PagerLink[]): Html {
  if (links.every(({ href }) => href === undefined)) return html``
  return html`<nav class="pager" aria-label="${label}">${links.map(({ text, href }) =>
    href === undefined
      ? html`<span class="button" aria-disabled="true">${text}</span>`
      : html`<a class="button" href="${href}">${text}</a>`,
  )}</nav>`
}
