import { type Html, html } from "../../support/html.ts"
import type { NotShown } from "./not-shown.ts"

/** Pixels a side of the square that is drawn in. */
const SIDE = 256

/** As many characters fit into it. */
const LINE = 22

/** In place of a picture that is not shown: why, on the dark ground of pictures, in both schemes. */
export function placeholder({ message, status }: NotShown): Response {
  return new Response(drawing(message).text, {
    status,
    headers: { "content-type": "image/svg+xml; charset=utf-8", "cache-control": "no-store" },
  })
}

/** Attributes alone: the page's policy knows no styles within. */
function drawing(message: string): Html {
  const lines = wrapped(message)
  const first = SIDE * 0.68
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIDE} ${SIDE}" width="${SIDE}" height="${SIDE}" role="img" aria-label="${message}">
<rect width="${SIDE}" height="${SIDE}" fill="#161d21"/>
<g fill="none" stroke="#56676e" stroke-width="5" stroke-linecap="round" stroke-linejoin="round"><rect x="88" y="64" width="80" height="80" rx="10"/><path d="M88 128l24-24 20 20 14-14 22 22"/><circle cx="143" cy="89" r="8"/><path d="M76 156L180 52" stroke="#161d21" stroke-width="15"/><path d="M76 156L180 52"/></g>
<g fill="#a9b8bc" font-family="system-ui, 'Liberation Sans', sans-serif" font-size="19" text-anchor="middle">${lines.map((line, n) => html`<text x="${SIDE / 2}" y="${first + n * 24}">${line}</text>`)}</g>
</svg>`
}

function wrapped(text: string): readonly string[] {
  const lines: string[] = [""]
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim()
    if (longer.length > LINE) lines.push(word)
    else lines[lines.length - 1] = longer
  }
  return lines
}
