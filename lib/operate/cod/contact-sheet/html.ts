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
  return Buffer.from(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>Contact sheet: ${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${escaped(title)}</h1>
${[datastoresOf(sheet), ...notes].map((note) => `<p>${escaped(note)}</p>\n`).join("")}</header>
<main>
<ul class="sheet">
${sheet.tiles.map(tileOf).join("\n")}
</ul>
</main>
</body>
</html>
`)
}

const POLICY = `default-src 'none'; img-src data:; style-src 'sha256-${new Bun.CryptoHasher("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'`

function datastoresOf({ tiles }: Sheet): string {
  return [...new Set(tiles.map(({ place }) => place.datastore))].join(", ")
}

function tileOf(tile: Tile): string {
  const { title, facts } = captionOf(tile)
  const { stills, frames, problem, isBroken, place } = tile
  const { columns, rows } = gridOf(stills.length)
  const pictures = stills.map((still) => stillOf(still, frames ?? stills.length, title)).join("")
  return `<li class="columns-${columns} rows-${rows}"><figure>
<div class="stills">${pictures}${problem === undefined ? "" : `<p${isBroken ? ' class="broken"' : ""}>${escaped(problem)}</p>`}</div>
<figcaption><strong>${escaped(title)}</strong>${facts.map((fact) => `<span>${escaped(fact)}</span>`).join("")}
<dl><dt>Study</dt><dd>${uidOf(place.studyUid)}</dd><dt>Series</dt><dd>${uidOf(place.seriesUid)}</dd></dl>
</figcaption></figure></li>`
}

function stillOf({ jpeg, size, number }: Still, frames: number, title: string): string {
  const alt = escaped(frames === 1 ? title : `${title}, frame ${number} of ${frames}`)
  const source = `data:image/jpeg;base64,${Buffer.from(jpeg).toString("base64")}`
  return `<img src="${source}" width="${size}" height="${size}" alt="${alt}" title="${alt}">`
}

/** UIDs differ at their ends: the style cuts their beginnings where there is no room, and selecting takes all of it. */
function uidOf(uid: string): string {
  return `<code title="${escaped(uid)}"><bdi>${escaped(uid)}</bdi></code>`
}

function escaped(text: string): string {
  return Bun.escapeHTML(text)
}
