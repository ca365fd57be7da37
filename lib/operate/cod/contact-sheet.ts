import { resolve } from "node:path"
import type { Outcome } from "../../support/cli.ts"
import { UsageError } from "../../support/errors.ts"
import { forEachLimit } from "../../support/pool.ts"
import { bytes, count, plural, safe, table } from "../../support/text.ts"
import { type GatheredSeries, gatherSeries } from "./contact-sheet/gather.ts"
import { htmlSheet } from "./contact-sheet/html.ts"
import { jpgSheet } from "./contact-sheet/jpg.ts"
import { requireRoomFor } from "./contact-sheet/jpg-layout.ts"
import { leftOutInWords, type Sheet } from "./contact-sheet/sheet.ts"
import { type SharedStores, sharedStores } from "./contact-sheet/stores.ts"
import { drawTile, type Tile } from "./contact-sheet/tile.ts"
import { writePicture } from "./render-output.ts"
import type { CodStart, OpenStart } from "./start.ts"
import type { VerbOptions } from "./verb.ts"

type SheetOptions = Pick<VerbOptions, "out" | "limit">

/** Series without `--limit`: as many as a person looks through. */
const DEFAULT_LIMIT = 200

/** A sheet of more is a file that no browser likes. */
const MAX_LIMIT = 2000

/** So many series are drawn at a time: each has a frame in memory, decoded. */
const AT_ONCE = 4

/**
 * `cod contact-sheet URI|STUDY... --out FILE`: many series at a glance, in one file that needs nothing else: HTML, or one
 * picture. Names, ids and dates of headers are not in it; what is burned into pixels is, and UIDs as they are. A series that cannot be drawn is a tile that says why.
 * @returns 1 when one of them could not be drawn, though it has pixels, or nobody knows
 */
export async function contactSheet(
  start: CodStart,
  words: readonly string[],
  { out, limit = DEFAULT_LIMIT }: SheetOptions,
): Promise<Outcome> {
  if (out === undefined) throw new UsageError("contact-sheet needs --out FILE", EXPECTED)
  if (limit > MAX_LIMIT) throw new UsageError(`--limit: a sheet has at most ${count(MAX_LIMIT)} series`)
  const report = await writeContactSheet(start, words, { out, limit })
  await start.print(report, renderReport)
  return report.without_picture.some(({ broken }) => broken) ? 1 : 0
}

/** What a sheet is made with. */
export type SheetStart = OpenStart & Pick<CodStart, "progress">

/** What was written. */
export type ContactSheetReport = ReturnType<typeof documentOf>

/** The same without a word, for who tells of it in another way. @throws UsageError for another name than `.html` or `.jpg` */
export async function writeContactSheet(
  start: SheetStart,
  words: readonly string[],
  { out, limit = DEFAULT_LIMIT }: { readonly out: string; readonly limit?: number },
): Promise<ContactSheetReport> {
  const { path, format } = sheetFile(out)
  using stores = sharedStores(start)
  const { series, leftOut } = await gatherSeries(words, limit, stores, start)
  if (format === "jpg") requireRoomFor(series.length)
  const sheet: Sheet = { tiles: await drawTiles(series, stores, start), leftOut }
  const encoded = format === "html" ? htmlSheet(sheet) : await jpgSheet(sheet, start.stop.requested)
  const written = await writePicture(path, encoded)
  return documentOf(sheet, { path, format, written, size: encoded.length })
}

function sheetFile(out: string): { readonly path: string; readonly format: "html" | "jpg" } {
  const [, ending] = /\.(html?|jpe?g)$/i.exec(out) ?? []
  if (ending === undefined) throw new UsageError(`--out: "${safe(out)}" is no name of a sheet`, EXPECTED)
  return { path: resolve(out), format: ending.toLowerCase().startsWith("h") ? "html" : "jpg" }
}

const EXPECTED = "The file's name ends with .html, for a browser, or with .jpg."

/** In the order of the series, whatever is drawn first. */
async function drawTiles(
  series: readonly GatheredSeries[],
  stores: SharedStores,
  { progress, stop }: SheetStart,
): Promise<readonly Tile[]> {
  const tiles: Tile[] = new Array(series.length)
  progress.start(series.length, "series")
  try {
    const draw = async ([at, one]: [number, GatheredSeries], signal: AbortSignal) => {
      tiles[at] = await drawTile(one, stores.of(one.place.datastore), signal)
      progress.tick()
    }
    await forEachLimit(series.entries(), AT_ONCE, draw, stop.requested)
  } finally {
    progress.stop()
  }
  return tiles
}

interface SheetFile {
  readonly path: string
  readonly format: "html" | "jpg"
  readonly written: boolean
  readonly size: number
}

function documentOf({ tiles, leftOut }: Sheet, file: SheetFile) {
  const withoutPicture = tiles.flatMap(({ uri, problem, isBroken }) =>
    problem === undefined ? [] : [{ uri, why: problem, broken: isBroken }],
  )
  return {
    ...file,
    series: tiles.length,
    from_thumbnails: tiles.filter(({ source }) => source === "thumbnail").length,
    drawn: tiles.filter(({ source }) => source === "instances").length,
    left_out: leftOut.series,
    left_out_is_all: leftOut.isAll,
    without_picture: withoutPicture,
  }
}

/** Series without a picture that a person reads of; the document and the sheet have all. */
const LISTED = 10

function renderReport(report: ContactSheetReport): string {
  const { path, written, format, series, size, without_picture: without } = report
  const leftOut = leftOutInWords({ series: report.left_out, isAll: report.left_out_is_all })
  const listed = without.slice(0, LISTED).map(({ uri, why }) => [uri, why])
  return [
    ...(listed.length > 0 ? [table(["without a picture", "because"], listed)] : []),
    ...(without.length > LISTED ? [`and ${count(without.length - LISTED)} more: --json lists them`] : []),
    ...(listed.length > 0 ? [""] : []),
    `${safe(path)}${written ? "" : ", there already"}: ${format === "html" ? "HTML" : "JPEG"}, ` +
      `${plural(series, "series", "series")}, ${bytes(size)}`,
    ...(leftOut === undefined ? [] : [`${leftOut}: --limit N shows more`]),
  ].join("\n")
}
