// Text is drawn by a library that asks the system for fonts, and a server may have none.
import fontFile from "@expo-google-fonts/atkinson-hyperlegible/400Regular/AtkinsonHyperlegible_400Regular.ttf" with {
  type: "file",
}
import type { CreateText, OutputInfo } from "sharp"

/** A line of text. */
export interface Line {
  readonly text: string
  readonly color: string
  /** In points of 96 an inch: 3 of them are 4 pixels. */
  readonly points: number
}

/** Of the font, the mean width of a character by its height, a little more than that of any usual text. */
const WIDTH = 0.54

const PIXELS_A_POINT = 4 / 3

/** Lines below each other, as a picture that is at most so wide: what is too long is cut. */
export async function drawLines(
  lines: readonly Line[],
  width: number,
): Promise<{ readonly input: Buffer; readonly width: number; readonly height: number }> {
  const { default: sharp } = await import("sharp")
  const text: CreateText = {
    // A text of blanks alone is refused.
    text: lines.map((line) => markupOf({ ...line, text: line.text.trim() || "–" }, width)).join("\n"),
    font: "Atkinson Hyperlegible",
    fontfile: fontFile,
    rgba: true,
    dpi: 96,
    spacing: 0,
  }
  const drawn = await sharp({ text }).png().toBuffer({ resolveWithObject: true })
  if (drawn.info.width <= width) return { input: drawn.data, ...extentOf(drawn.info) }
  const area = { left: 0, top: 0, width, height: drawn.info.height }
  const cut = await sharp(drawn.data).extract(area).png().toBuffer({ resolveWithObject: true })
  return { input: cut.data, ...extentOf(cut.info) }
}

function extentOf({ width, height }: OutputInfo) {
  return { width, height }
}

/** Pango's markup. */
function markupOf({ text, color, points }: Line, width: number): string {
  const most = Math.floor(width / (points * PIXELS_A_POINT * WIDTH))
  const short = text.length > most ? `${text.slice(0, most - 1).trimEnd()}…` : text
  return `<span foreground="${color}" size="${points * 1024}">${Bun.escapeHTML(short)}</span>`
}

/** In at most so many lines, between words where there are any. */
export function wrapped(
  text: string,
  { width, points, most }: { width: number; points: number; most: number },
) {
  const characters = Math.max(1, Math.floor(width / (points * PIXELS_A_POINT * WIDTH)))
  const lines: string[] = []
  let rest = text.trim()
  while (rest.length > characters && lines.length < most - 1) {
    const space = rest.lastIndexOf(" ", characters)
    const end = space > 0 ? space : characters
    lines.push(rest.slice(0, end).trimEnd())
    rest = rest.slice(end).trimStart()
  }
  return [...lines, rest]
}
