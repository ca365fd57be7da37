import { type Html, type HtmlValue, html } from "../../support/html.ts"

/** What there is to know of something, each line with what it is. */
export function facts(lines: readonly (readonly [what: string, value: HtmlValue])[]): Html {
  return html`<dl class="facts">${lines.map(([what, value]) => html`<div><dt>${what}</dt><dd>${value}</dd></div>`)}</dl>`
}
