import { join } from "node:path"
import { decodeJpg } from "../../lib/cod/thumbnail/jpg.ts"
import { decodeMp4 } from "../../lib/cod/thumbnail/mp4.ts"
import type { Picture } from "../../lib/cod/thumbnail/picture.ts"
import { medianOf, scratchFolder } from "./measure.ts"
import type { PixelCase } from "./pixels-series.ts"
import type { PixelSide, Work } from "./pixels-side.ts"

/** How many instances or frames a side shows. */
export interface Rate {
  readonly perSecond: number
  readonly perCpuSecond: number
}

/** One line of the report. */
export interface PixelRow {
  readonly what: string
  readonly counted: PixelCase["counted"]
  readonly ours: Rate
  readonly theirs: Rate
  /** Per CPU second, ours by theirs. */
  readonly ratio: number
  /** Mean absolute difference of the pictures' samples of 8 bits. */
  readonly difference: number
}

interface Sides {
  readonly ours: PixelSide
  readonly theirs: PixelSide
}

/** Rounds that only warm up. */
const WARM_ROUNDS = 3

/** What a round takes at least: the kernel counts CPU time in hundredths of a second. */
const ROUND_SECONDS = 0.5

/** As far as our thumbnails are said to be from the package's. */
const ALIKE = 15

/** Both make the thumbnails of the same series, by turns. @throws Error when they do not show the same */
export async function rowOf(
  { what, counted, series }: PixelCase,
  { ours, theirs }: Sides,
  repeats: number,
): Promise<PixelRow> {
  const { frames, difference } = await compared(series[0]!, { ours, theirs })
  const { seconds } = await ours.thumbnails(series)
  const round = Array.from({ length: Math.ceil(ROUND_SECONDS / seconds) }, () => series).flat()
  const rounds: Record<keyof Sides, Work>[] = []
  for (let n = 0; n < WARM_ROUNDS + repeats; n++) {
    const of = { ours: await ours.thumbnails(round), theirs: await theirs.thumbnails(round) }
    if (n >= WARM_ROUNDS) rounds.push(of)
  }
  const shown = round.length * frames
  const rate = (side: keyof Sides): Rate => ({
    perSecond: shown / medianOf(rounds.map((round) => round[side].seconds)),
    perCpuSecond: shown / medianOf(rounds.map((round) => round[side].cpuSeconds)),
  })
  const rates = { ours: rate("ours"), theirs: rate("theirs") }
  const ratio = rates.ours.perCpuSecond / rates.theirs.perCpuSecond
  return { what, counted, ...rates, ratio, difference }
}

/** What is fast and wrong is no measure. */
async function compared(series: PixelCase["series"][number], { ours, theirs }: Sides) {
  const here = await picturesOf(await ours.file(series))
  const there = await picturesOf(await theirs.file(series))
  const difference = here.length === there.length ? meanDifference(here, there) : Number.POSITIVE_INFINITY
  if (!(difference < ALIKE)) {
    throw new Error(`thumbnails of ${here.length} and ${there.length} frames differ by ${difference}`)
  }
  return { frames: here.length, difference }
}

async function picturesOf(file: Uint8Array): Promise<readonly Picture[]> {
  if (file[0] === 0xff) return [await decodeJpg(file)]
  using scratch = scratchFolder()
  const path = join(scratch.path, "thumbnail.mp4")
  await Bun.write(path, file)
  return await decodeMp4(path, framesIn(file))
}

/** By the table of its samples' sizes (ISO/IEC 14496-12, section 8.7.3): version and flags, one size for all, count. */
function framesIn(mp4: Uint8Array): number {
  const file = Buffer.from(mp4.buffer, mp4.byteOffset, mp4.length)
  return file.readUInt32BE(file.indexOf("stsz") + 12)
}

function meanDifference(here: readonly Picture[], there: readonly Picture[]): number {
  let sum = 0
  let count = 0
  for (const [index, { rgb }] of here.entries()) {
    for (const [at, value] of rgb.entries()) sum += Math.abs(value - there[index]!.rgb[at]!)
    count += rgb.length
  }
  return sum / count
}
