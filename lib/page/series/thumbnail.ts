import type { DescribedFile } from "../../cod/index.ts"
import { lru } from "../../cod/reading/lru.ts"
import { openScratch } from "../../cod/reading/scratch.ts"
import { runFfmpeg } from "../../cod/thumbnail/ffmpeg.ts"
import { encodeJpg } from "../../cod/thumbnail/jpg.ts"
import { MAX_SIZE } from "../../cod/thumbnail/picture.ts"
import { readPpms } from "../../cod/thumbnail/ppm.ts"
import { CONTENT_TYPES } from "../../cod/thumbnail/thumbnail-file.ts"
import { semaphore } from "../../support/pool.ts"
import type { Media } from "./media.ts"
import { NotShown } from "./not-shown.ts"
import type { OpenSeries } from "./open-series.ts"

/** Nobody looks at a video of more than this on a page. */
const MAX_BYTES = 64 << 20

/** The thumbnail as it is stored, also one that does not show what came since. @throws as `getThumbnailFile` */
export async function storedThumbnail({ cod }: OpenSeries, signal: AbortSignal): Promise<Media> {
  const { kind, bytes } = await cod.getThumbnailFile({ allowStale: true }, signal)
  if (bytes.length > MAX_BYTES) throw new NotShown("The thumbnail is too large to be shown here.", 502)
  return { bytes: new Uint8Array(bytes), type: CONTENT_TYPES[kind] as Media["type"] }
}

/** Makes stills of thumbnails. */
export interface Stills {
  /** The thumbnail's first frame as JPEG: what a page shows where videos would be too many. */
  of(series: OpenSeries, signal: AbortSignal): Promise<Media>
}

/** Those of videos are kept, a few kilobytes each. */
const KEPT_BYTES = 8 << 20

/** Every still of a video takes a program of its own: so many at a time. */
const AT_ONCE = 2

export function stills(): Stills {
  const places = semaphore(AT_ONCE)
  const kept = lru<Media>(KEPT_BYTES, ({ bytes }) => bytes.length)
  return {
    async of(series, signal) {
      const name = `${series.known.seriesNo} ${series.generation}`
      const known = kept.get(name)
      if (known !== undefined) return known
      const thumbnail = await storedThumbnail(series, signal)
      if (thumbnail.type === "image/jpeg") return thumbnail
      using _ = await places.acquire(1, signal)
      const still: Media = { bytes: await firstFrame(thumbnail, signal), type: "image/jpeg" }
      kept.set(name, still)
      return still
    },
  }
}

async function firstFrame({ bytes }: Pick<DescribedFile, "bytes">, signal: AbortSignal) {
  using scratch = openScratch({})
  const path = scratch.newFile("thumbnail.mp4")
  await Bun.write(path, bytes)
  // A file that others made: it opens nothing but itself.
  const from = ["-nostdin", "-protocol_whitelist", "file,pipe", "-f", "mov", "-threads", "1", "-i", path]
  const to = ["-an", "-sn", "-dn", "-frames:v", "1", "-c:v", "ppm", "-f", "image2pipe", "pipe:1"]
  const limits = { side: MAX_SIZE, count: 1, bytes: MAX_SIZE ** 2 * 3 + 64 }
  const [picture] = await runFfmpeg(
    {
      args: [...from, ...to],
      timeoutMs: 20_000,
      output: (pieces) => readPpms(pieces, limits),
    },
    signal,
  )
  if (picture === undefined) throw new NotShown("The thumbnail has no frames.", 502)
  return new Uint8Array(await encodeJpg(picture))
}
