import {
  type CODObject,
  describeRecord,
  type InstanceRecord,
  NoExtractablePixelDataError,
  type Picture,
  readDescription,
  type SeriesMetadata,
  SeriesMissingPixelDataError,
  ThumbnailError,
} from "../../../cod/index.ts"
import type { Extent } from "../../../cod/thumbnail/geometry.ts"
import { drawFrames, type FrameOfInstance } from "./draw-frames.ts"
import { gridOf } from "./grid.ts"

/** A frame of a series, small. */
export interface Still {
  /** Pixels a side of the square that it lies in. */
  readonly size: number
  readonly jpeg: Uint8Array
  /** Among all frames of the series, from 1. */
  readonly number: number
}

/** What there is to see of a series. */
export interface Stills {
  readonly stills: readonly Still[]
  /** That have pixels, of all instances. */
  readonly frames: number
  /** Instances that are seen, in the order of the stills, each once. */
  readonly keys: readonly string[]
  /** Of the frames that are seen, as they are stored, each once. */
  readonly extents: readonly Extent[]
  /** Frames that were to be shown and cannot be decoded, as far as anybody tried. */
  readonly undecoded: number
  /** Where they come from: the stored thumbnail, or the instances themselves. */
  readonly source: "thumbnail" | "instances"
}

/** Frames of a series that a sheet shows: the first, the last, and some between, at equal distances. */
const MOST_STILLS = 8

/** Pixels a side of stills in one row, and of those in two: twice what a browser shows, for screens of that many dots. */
const SIZES = { few: 256, many: 160 }

/** A stored video with more pixels is not decoded for the few frames of it that are looked at. */
const MOST_VIDEO_BYTES = 64 << 20

/**
 * Some frames of a series: of its stored thumbnail, or, where there is none that shows it as it is (or no ffmpeg to read it),
 * drawn the same way from the instances that are shown. Nothing is stored.
 * @throws SeriesMissingPixelDataError, NoExtractablePixelDataError when not one frame can be decoded, StorageError
 */
export async function stillsOf(
  series: CODObject,
  metadata: SeriesMetadata,
  signal: AbortSignal,
): Promise<Stills> {
  return (await storedStills(series, metadata, signal)) ?? (await drawnStills(series, metadata, signal))
}

async function storedStills(
  series: CODObject,
  { fields }: SeriesMetadata,
  signal: AbortSignal,
): Promise<Stills | undefined> {
  try {
    const described = readDescription(fields.get("thumbnail"), series.datastore)
    if (described === undefined || videoBytes(described) > MOST_VIDEO_BYTES) return undefined
    const { pictures, shown } = await series.getThumbnail({}, signal)
    const chosen = spread(pictures.length)
    const shownOnes = chosen.map((at) => shown[at]!)
    return {
      stills: await encoded(chosen.map((at) => ({ at, picture: pictures[at]! }))),
      frames: pictures.length,
      keys: [...new Set(shownOnes.map(({ key }) => key))],
      extents: distinct(shownOnes.map(({ anchors }) => anchors.original)),
      undecoded: 0,
      source: "thumbnail",
    }
  } catch (error) {
    if (error instanceof ThumbnailError) return undefined
    throw error
  }
}

function videoBytes({ frames, size }: { readonly frames: readonly unknown[]; readonly size: number }) {
  return frames.length === 1 ? 0 : frames.length * size * size * 3
}

async function drawnStills(
  series: CODObject,
  { instances: all }: SeriesMetadata,
  signal: AbortSignal,
): Promise<Stills> {
  const instances = await series.getInstances({ strictSorting: false }, signal)
  const records = [...instances.values()].map(({ record }) => record!)
  const shown = records.filter(({ hasPixeldata }) => hasPixeldata)
  const counts = shown.map((record) => Math.max(1, describeRecord(record).frames))
  const frames = counts.reduce((sum, count) => sum + count, 0)
  if (frames === 0) throw new SeriesMissingPixelDataError(series.datastoreSeriesUri, all.size)
  const chosen = spread(frames)
  const wanted = chosen.map((at) => ({ at, ...frameAt(shown, counts, at) }))
  const { drawn, firstError } = await drawFrames(instances, wanted, sizeFor(chosen.length), signal)
  if (drawn.length === 0) {
    throw new NoExtractablePixelDataError(series.datastoreSeriesUri, chosen.length, firstError)
  }
  return {
    stills: await encoded(drawn),
    frames,
    keys: [...new Set(drawn.map(({ key }) => key))],
    extents: distinct(drawn.map(({ original }) => original)),
    undecoded: chosen.length - drawn.length,
    source: "instances",
  }
}

/** Which frame of which instance stands at a place among all of them; files may say that they have any number. */
function frameAt(records: readonly InstanceRecord[], frames: readonly number[], at: number): FrameOfInstance {
  let frame = at
  for (const [n, record] of records.entries()) {
    if (frame < frames[n]!) return { key: record.key, frame }
    frame -= frames[n]!
  }
  throw new RangeError(`there is no frame ${at}`)
}

/** Places from 0: all of them, or so many, with the first and the last. */
export function spread(frames: number, most = MOST_STILLS): readonly number[] {
  if (frames <= most) return Array.from({ length: frames }, (_, at) => at)
  return Array.from({ length: most }, (_, n) => Math.round((n * (frames - 1)) / (most - 1)))
}

function sizeFor(stills: number): number {
  return gridOf(stills).rows === 1 ? SIZES.few : SIZES.many
}

/** Written anew in any case: what others stored may hold more than a picture. */
async function encoded(
  pictures: readonly { readonly at: number; readonly picture: Picture }[],
): Promise<readonly Still[]> {
  const { default: sharp } = await import("sharp")
  const most = sizeFor(pictures.length)
  return await Promise.all(
    pictures.map(async ({ at, picture: { size, rgb } }) => {
      const image = sharp(rgb, { raw: { width: size, height: size, channels: 3 } })
      const small = image.resize(most, most, { withoutEnlargement: true })
      const jpeg = await small.jpeg({ quality: 90, chromaSubsampling: "4:4:4" }).toBuffer()
      return { number: at + 1, size: Math.min(size, most), jpeg }
    }),
  )
}

function distinct(extents: readonly Extent[]): readonly Extent[] {
  return [...new Map(extents.map((extent) => [`${extent.width} ${extent.height}`, extent])).values()]
}
