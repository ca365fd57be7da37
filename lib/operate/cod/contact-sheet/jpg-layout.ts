import { AppError } from "../../../support/errors.ts"
import { gridOf } from "./grid.ts"
import type { Tile } from "./tile.ts"

/** Lengths in pixels. */
export const METRICS = {
  /** A side of one still, or of four small ones. */
  still: 192,
  caption: 112,
  padding: 10,
  gap: 14,
  margin: 24,
  header: 72,
}

/** Tiles stand in rows as wide as this, the pictures of eight frames being the widest. */
const WIDTH = 1600

/** For a title, where there is one tile. */
const MIN_WIDTH = 480

/** Most programs that show pictures refuse larger ones. */
const MAX_HEIGHT = 32_767

/** A tile and where its row has it. */
export interface PlacedTile {
  readonly tile: Tile
  readonly left: number
  readonly width: number
}

export interface Layout {
  readonly width: number
  readonly height: number
  readonly rows: readonly (readonly PlacedTile[])[]
}

/** Rows from left to right. @throws AppError for more than a picture can have */
export function layoutOf(tiles: readonly Tile[]): Layout {
  const { margin, gap } = METRICS
  const rows: PlacedTile[][] = []
  let left = margin
  for (const tile of tiles) {
    const width = widthOf(tile)
    if (rows.length === 0 || left + width > WIDTH - margin) {
      rows.push([])
      left = margin
    }
    rows.at(-1)!.push({ tile, left, width })
    left += width + gap
  }
  const widest = Math.max(...rows.flat().map((placed) => placed.left + placed.width + margin))
  const height = heightOf(rows.length)
  if (height > MAX_HEIGHT) throw tooMany(tiles.length)
  return { width: Math.max(MIN_WIDTH, widest), height, rows }
}

/** Before anything is drawn: so many do not fit, though each had only one picture. @throws AppError */
export function requireRoomFor(series: number) {
  const { margin, gap, still } = METRICS
  const perRow = Math.floor((WIDTH - 2 * margin + gap) / (still + gap))
  if (heightOf(Math.ceil(series / perRow)) > MAX_HEIGHT) throw tooMany(series)
}

function heightOf(rows: number): number {
  return METRICS.header + rows * (tileHeight() + METRICS.gap) + METRICS.margin - METRICS.gap
}

function tooMany(series: number): AppError {
  return new AppError(`${series} series are too many for one picture`, {
    verdict: "give-up",
    hint: "Take fewer with --limit N, or write .html.",
  })
}

export function tileHeight(): number {
  return METRICS.still + METRICS.caption
}

function widthOf({ stills }: Tile): number {
  const { columns, rows } = gridOf(stills.length)
  return Math.max(1, columns / rows) * METRICS.still
}
