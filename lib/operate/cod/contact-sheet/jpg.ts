import type { OverlayOptions } from "sharp"
import { safe } from "../../../support/text.ts"
import { captionOf } from "./caption.ts"
import { gridOf } from "./grid.ts"
import { layoutOf, METRICS, type PlacedTile, tileHeight } from "./jpg-layout.ts"
import { drawLines, type Line, wrapped } from "./jpg-text.ts"
import { type Sheet, sheetInWords } from "./sheet.ts"
import type { Tile } from "./tile.ts"

/** On black, as X-rays are read. */
const COLORS = { page: "#0e1013", tile: "#1a1d22", still: "#000000" }
const INKS = { title: "#ffffff", text: "#e7e9ec", quiet: "#9aa3ae", broken: "#ffb4a6" }

/** The sheet as one picture. A row is drawn at a time. @throws AppError for more series than a picture has room for */
export async function jpgSheet(sheet: Sheet, signal: AbortSignal): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp")
  const { width, height, rows } = layoutOf(sheet.tiles)
  const canvas = Buffer.alloc(width * height * 3, Buffer.from(rgbOf(COLORS.page)))
  const put = async (top: number, rowHeight: number, overlays: OverlayOptions[]) => {
    const row = await sharp(blank(width, rowHeight, COLORS.page))
      .composite(overlays)
      .removeAlpha()
      .raw()
      .toBuffer()
    row.copy(canvas, top * width * 3)
  }
  await put(0, METRICS.header, [await headerOf(sheet, width)])
  let top = METRICS.header
  for (const row of rows) {
    signal.throwIfAborted()
    await put(top, tileHeight(), (await Promise.all(row.map(overlaysOf))).flat())
    top += tileHeight() + METRICS.gap
  }
  return await sharp(canvas, { raw: { width, height, channels: 3 }, limitInputPixels: false })
    .jpeg({ quality: 90, chromaSubsampling: "4:4:4" })
    .toBuffer()
}

async function headerOf(sheet: Sheet, width: number): Promise<OverlayOptions> {
  const { title, notes } = sheetInWords(sheet)
  const lines = [
    { text: title, color: INKS.title, points: 16 },
    ...(notes.length > 0 ? [{ text: notes.join(" · "), color: INKS.quiet, points: 10 }] : []),
  ]
  const { input } = await drawLines(lines, width - 2 * METRICS.margin)
  return { input, left: METRICS.margin, top: notes.length > 0 ? 14 : 26 }
}

/** What a tile is drawn of, from below to above. */
async function overlaysOf({ tile, left, width }: PlacedTile): Promise<OverlayOptions[]> {
  const { still, padding } = METRICS
  const caption = await drawLines(captionLines(tile), width - 2 * padding)
  return [
    { input: blank(width, tileHeight(), COLORS.tile), left, top: 0 },
    { input: blank(width, still, COLORS.still), left, top: 0 },
    ...(await stillsOf(tile, left, width)),
    ...(tile.problem === undefined ? [] : [await problemIn(tile, tile.problem, left, width)]),
    { input: caption.input, left: left + padding, top: still + padding },
  ]
}

function captionLines(tile: Tile): readonly Line[] {
  const { title, facts } = captionOf(tile)
  const { studyUid, seriesUid } = tile.place
  const quiet = [...facts, `study ${ending(studyUid)}`, `series ${ending(seriesUid)}`]
  return [
    { text: title, color: INKS.text, points: 10 },
    ...quiet.map((text) => ({ text, color: INKS.quiet, points: 8 })),
  ]
}

/** UIDs differ at their ends. */
function ending(uid: string): string {
  return safe(uid.length > 12 ? `…${uid.slice(-11)}` : uid)
}

async function stillsOf({ stills }: Tile, left: number, width: number): Promise<OverlayOptions[]> {
  const { default: sharp } = await import("sharp")
  const { columns, rows } = gridOf(stills.length)
  const side = METRICS.still / rows
  const line = stills.length > 1 ? 1 : 0
  const start = left + (width - columns * side) / 2
  return await Promise.all(
    stills.map(async ({ jpeg }, n) => ({
      input: await sharp(jpeg)
        .resize(side - 2 * line, side - 2 * line)
        .png()
        .toBuffer(),
      left: start + (n % columns) * side + line,
      top: Math.floor(n / columns) * side + line,
    })),
  )
}

async function problemIn(
  { isBroken }: Tile,
  problem: string,
  left: number,
  width: number,
): Promise<OverlayOptions> {
  const room = { width: width - 2 * METRICS.padding, points: 9, most: 9 }
  const color = isBroken ? INKS.broken : INKS.quiet
  const lines = wrapped(safe(problem), room).map((text) => ({ text, color, points: room.points }))
  const drawn = await drawLines(lines, room.width)
  const top = Math.max(0, Math.floor((METRICS.still - drawn.height) / 2))
  return { input: drawn.input, left: left + METRICS.padding, top }
}

function blank(width: number, height: number, background: string) {
  return { create: { width, height, channels: 3 as const, background } }
}

function rgbOf(color: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16))
}
