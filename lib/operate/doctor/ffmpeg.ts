import { FfmpegMissingError, findFfmpeg } from "../../cod/index.ts"
import { fault, ok, type Result } from "./finding.ts"

/**
 * The program that makes a video of a series of several frames. Without it such a series is packed without a thumbnail, so
 * that it is no fault where none is made anyway.
 * @param thumbnails made at a time
 * @param program its path, empty where there is none
 */
export function checkFfmpeg(thumbnails: number, program = findFfmpeg() ?? ""): Result {
  if (program !== "") return ok(program)
  const { message, hint } = new FfmpegMissingError()
  if (thumbnails === 0) return ok(`${message}; none is made`)
  return fault(message, `${hint} Or set THUMBNAIL_CONCURRENCY to 0: no thumbnails.`)
}
