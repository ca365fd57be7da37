import { Html, html } from "../../../support/html.ts"
import { captionOf } from "./caption.ts"
import { gridOf } from "./grid.ts"
import { STYLE } from "./html-style.ts"
import { type Sheet, sheetInWords } from "./sheet.ts"
import type { Still } from "./stills.ts"
import type { Tile } from "./tile.ts"

/**
 * The sheet as a page that asks nobody for anything: pictures are part of it, it has no scripts and no links, and its own
 * policy forbids the browser all else.
 */
export function htmlSheet(sheet: Sheet): Uint8Array {
  const { title, notes } = sheetInWords(sheet)
  const page = html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>Contact sheet: ${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
${[datastoresOf(sheet), ...notes].map((note) => html`<p>${note}</p>\n`)}</header>
<main>
<ul class="sheet">
${sheet.tiles.map((tile) => html`${tileOf(tile)}\n`)}</ul>
</main>
</body>
</html>
`
  return Buffer.from(page.text)
}

const POLICY = `default-src 'none'; img-src data:; style-src 'sha256-${new Bun.CryptoHasher("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'`

function datastoresOf({ tiles }: Sheet): string {
  return [...new Set(tiles.map(({ place }) => place.datastore))].join(", ")
}

function tileOf(tile: Tile): Html {
  const { title, facts } = captionOf(tile)
  const { stills, frames, problem, isBroken, place } = tile
  const { columns, rows } = gridOf(stills.length)
  return html`<li class="columns-${columns} rows-${rows}"><figure>
<div class="stills">${stills.map((still) => stillOf(still, frames ?? stills.length, title))}${problem !== undefined && html`<p${isBroken && html` class="broken"`}>${problem}</p>`}</div>
<figcaption><strong>${title}</strong>${facts.map((fact) => html`<span>${fact}</span>`)}
<dl><dt>Study</dt><dd>${uidOf(place.studyUid)}</dd><dt>Series</dt><dd>${uidOf(place.seriesUid)}</dd></dl>
</figcaption></figure></li>`
}

function stillOf({ jpeg, size, number }: Still, frames: number, title: string): Html {
  const alt = frames === 1 ? title : `${title}, frame ${number} of ${frames}`
  const source = `data:image/jpeg;base64,${Buffer.from(jpeg).toString("base64")}`
  return html`<img src="${source}" width="${size}" height="${size}" alt="${alt}" title="${alt}">`
}

/** UIDs differ at their ends: the style cuts their beginnings where there is no room, and selecting takes all of it. */
function uidOf(uid: string): Html {
  return html`<code title="${uid}"><bdi>${uid}</bdi></code>`
}
