import { CODError, type CODErrorOptions } from "../format/errors.ts"

/** A series' thumbnail cannot be made, or not be had. */
export class ThumbnailError extends CODError {}

/** No instance of a series has pixels: there is nothing to be shown of it. */
export class SeriesMissingPixelDataError extends ThumbnailError {
  constructor(seriesUri: string, instances: number) {
    super(`${seriesUri}: none of its ${instances} instances has pixels`, {
      facts: { series: seriesUri, instances },
    })
  }
}

/** Instances have pixels, and not one frame of them could be decoded. The cause is what the first one met. */
export class NoExtractablePixelDataError extends ThumbnailError {
  constructor(seriesUri: string, frames: number, cause: unknown) {
    super(`${seriesUri}: none of its ${frames} frames can be decoded`, {
      facts: { series: seriesUri, frames },
      cause,
    })
  }
}

/** Nobody had a thumbnail made, or what the metadata describes is not there. */
export class ThumbnailMissingError extends ThumbnailError {
  constructor(seriesUri: string, why: string, cause?: unknown) {
    super(`${seriesUri} has no thumbnail: ${why}`, {
      verdict: "missing",
      facts: { series: seriesUri },
      cause,
      hint: "Have it made: generateThumbnail, or getThumbnail, of a series that was opened with lock: true.",
    })
  }
}

/** The series was changed after its thumbnail had been made. */
export class StaleThumbnailError extends ThumbnailError {
  constructor(seriesUri: string, why: string) {
    super(`the thumbnail of ${seriesUri} is out of date: ${why}`, {
      facts: { series: seriesUri },
      hint: "Have it made again under the lock, or say allowStale: true for what there is.",
    })
  }
}

/** What stands there as a thumbnail, or as its description, is none. */
export class InvalidThumbnailError extends ThumbnailError {
  constructor(message: string, options: CODErrorOptions = {}) {
    super(message, { hint: "Have the thumbnail made again.", ...options })
  }
}

/** A thumbnail does not show what was asked for: an instance, or so many frames. */
export class NotInThumbnailError extends ThumbnailError {
  constructor(asked: string | number, frames: number) {
    const what = typeof asked === "number" ? `a frame ${asked}` : `instance ${JSON.stringify(asked)}`
    super(`the thumbnail does not have ${what} among its ${frames} frames`, {
      verdict: "missing",
      facts: { asked, frames },
    })
  }
}

/** A point lies beside the picture that it is said to be of. */
export class PointOutsideError extends ThumbnailError {
  constructor(what: string, { x, y }: { readonly x: number; readonly y: number }) {
    super(`(${x}, ${y}) lies outside ${what}`, { facts: { x, y } })
  }
}

/** Several frames make a video, and there is no ffmpeg to make or to read it. */
export class FfmpegMissingError extends ThumbnailError {
  constructor() {
    super("there is no ffmpeg, and the thumbnail of several frames is a video", {
      hint: "Install ffmpeg so that it is found in PATH (apt install ffmpeg, brew install ffmpeg), or, on Linux x64, npm install @ffmpeg-installer/linux-x64.",
    })
  }
}

/** ffmpeg was there and did not do what it was to. */
export class FfmpegFailedError extends ThumbnailError {}
