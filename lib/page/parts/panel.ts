import { type Html, type HtmlValue, html } from "../../support/html.ts"

/** A part of a view with a heading of its own. */
export function panel(heading: string, body: HtmlValue, note?: HtmlValue): Html {
  const id = `panel-${heading.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`
  return html`<section class="panel" aria-labelledby="${id}">
<header><h2 id="${id}">${heading}</h2>${note !== undefined && html`<p class="note">${note}</p>`}</header>
${body}
</section>`
}

/** A figure that people look at first. */
export function figure(label: string, value: HtmlValue, note?: HtmlValue): Html {
  return html`<div class="figure"><dt>${label}</dt><dd><strong>${value}</strong>${note !== undefined && html`<span class="note">${note}</span>`}</dd></div>`
}

export function figures(all: readonly Html[]): Html {
  return html`<dl class="figures">${all}</dl>`
}

/** Said where there is nothing to show. */
export function nothing(text: HtmlValue): Html {
  return html`<p class="nothing">${text}</p>`
}

/** How something stands; the colour says nothing that the word does not. */
export type Tone = "good" | "busy" | "warn" | "bad" | "quiet"

export function badge(text: string, tone: Tone): Html {
  return html`<span class="badge ${tone}">${text}</span>`
}

/** How far something is. */
export function meter(label: string, done: number, all: number): Html {
  return html`<progress aria-label="${label}" max="${Math.max(all, 1)}" value="${Math.min(done, all)}"></progress>`
}
