import { FfmpegFailedError, InvalidThumbnailError } from "./errors.ts"
import { type FfmpegWork, runFfmpeg } from "./ffmpeg.ts"
import { MAX_SIZE, type Picture } from "./picture.ts"
import { readPpms } from "./ppm.ts"

/** Frames a second. */
const RATE = 4

/** Half the time, and of pictures as small as these files no larger. */
const QUICK = ["-preset", "veryfast"]

/** What the pictures of a video that is read may have together: as many as 20,000 of 128 pixels a side. */
const MAX_BYTES = 2 ** 30

/** A video that takes longer than this hangs: a thousand frames of common size take a few seconds. */
const TIMEOUT_MS = 30 * 60_000

/**
 * Writes pictures as a video that browsers play: H.264, 4:2:0, four a second. They are taken one by one, as they are made.
 * @param path of the file; one that is there is overwritten
 * @throws FfmpegMissingError, FfmpegFailedError; what `pictures` throws
 */
export async function encodeMp4(
  pictures: AsyncIterable<Picture>,
  size: number,
  path: string,
  signal?: AbortSignal,
): Promise<void> {
  const from = [
    "-f",
    "rawvideo",
    "-pix_fmt",
    "rgb24",
    "-s",
    `${size}x${size}`,
    "-r",
    `${RATE}`,
    "-i",
    "pipe:0",
  ]
  // One thread: many series are made side by side, and each frame is small.
  const codec = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-r", `${RATE}`, "-threads", "1", ...QUICK]
  // Its table of contents comes first, so that it plays while it loads.
  const to = ["-movflags", "+faststart", "-f", "mp4", "-y", path]
  const work = {
    args: [...from, ...codec, ...to],
    timeoutMs: TIMEOUT_MS,
    input: rawFrames(pictures),
    output: drained,
  }
  await runFfmpeg(work, signal)
}

/**
 * Reads a video's frames.
 * @param path of the file
 * @param frames that are expected: another number is an error
 * @throws FfmpegMissingError, InvalidThumbnailError for what is no such video, TooLarge
 */
export async function decodeMp4(path: string, frames: number, signal?: AbortSignal): Promise<Picture[]> {
  // A file that others made: it opens nothing but itself.
  const from = ["-nostdin", "-protocol_whitelist", "file,pipe", "-f", "mov", "-threads", "1", "-i", path]
  const to = ["-an", "-sn", "-dn", "-frames:v", `${frames + 1}`, "-c:v", "ppm", "-f", "image2pipe", "pipe:1"]
  const work: FfmpegWork<Picture[]> = {
    args: [...from, ...to],
    timeoutMs: TIMEOUT_MS,
    output: (pieces) => readPpms(pieces, { side: MAX_SIZE, count: frames + 1, bytes: MAX_BYTES }),
  }
  const pictures = await runFfmpeg(work, signal).catch((cause) => {
    if (!(cause instanceof FfmpegFailedError)) throw cause
    throw new InvalidThumbnailError(`thumbnail.mp4 cannot be read: ${cause.message}`, { cause })
  })
  if (pictures.length === frames) return pictures
  const shows = pictures.length > frames ? "more" : `${pictures.length}`
  throw new InvalidThumbnailError(`thumbnail.mp4 shows ${shows} frames, by the metadata ${frames}`)
}

async function* rawFrames(pictures: AsyncIterable<Picture>): AsyncGenerator<Uint8Array> {
  for await (const { rgb } of pictures) yield rgb
}

async function drained(pieces: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of pieces);
}
