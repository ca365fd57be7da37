import type { DescribedFile, Picture } from "../../cod/index.ts"
import { openScratch } from "../../cod/reading/scratch.ts"
import { decodeThumbnail } from "../../cod/thumbnail/thumbnail-file.ts"
import type { PictureProtocol } from "../../support/terminal-pictures.ts"
import { spread } from "./contact-sheet/stills.ts"
import { encodedFor } from "./terminal-protocols.ts"

/** A thumbnail as a terminal shows it: what is to be written there, and which frames that are; from 1. */
export interface TerminalPicture {
  readonly sequence: string
  readonly shown: readonly number[]
}

/** Frames that stand side by side in a line of 80 characters. */
const MOST_FRAMES = 4

/** Pixels a side of a frame, and between two of them. */
const MOST_SIDE = 256
const GAP = 4

/** A longer video is a file to be played. */
const MOST_BYTES = 64 << 20

/**
 * Draws a thumbnail for a terminal: of a video some frames, with the first and the last.
 * @returns undefined where that does not work, without ffmpeg for instance: what was asked for is done all the same
 */
export async function terminalPicture(
  protocol: PictureProtocol,
  file: DescribedFile,
  signal: AbortSignal,
): Promise<TerminalPicture | undefined> {
  const { frames, size } = file.description
  if (frames.length > 1 && frames.length * size * size * 3 > MOST_BYTES) return undefined
  try {
    using scratch = openScratch({})
    const pictures = await decodeThumbnail(file, frames.length, scratch, signal)
    const shown = spread(pictures.length, MOST_FRAMES)
    const png = await sideBySide(shown.map((at) => pictures[at]!))
    return { sequence: await encodedFor(protocol, png), shown: shown.map((at) => at + 1) }
  } catch (error) {
    if (signal.aborted) throw error
    return undefined
  }
}

/** As PNG. */
async function sideBySide(pictures: readonly Picture[]): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp")
  const side = Math.min(MOST_SIDE, pictures[0]!.size)
  const frames = pictures.map(async ({ rgb, size }, n) => {
    const raw = { width: size, height: size, channels: 3 } as const
    return {
      input: await sharp(rgb, { raw }).resize(side, side).png().toBuffer(),
      left: n * (side + GAP),
      top: 0,
    }
  })
  const width = pictures.length * (side + GAP) - GAP
  return await sharp({ create: { width, height: side, channels: 3, background: "#000000" } })
    .composite(await Promise.all(frames))
    .png()
    .toBuffer()
}
