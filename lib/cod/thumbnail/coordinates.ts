import { PointOutsideError } from "./errors.ts"
import type { Anchors } from "./geometry.ts"

/** In pixels from the upper left corner, `x` to the right, `y` down; a pixel's own middle lies half a pixel further. */
export interface Point {
  readonly x: number
  readonly y: number
}

/**
 * Where a point of a thumbnail lies in the frame that it shows.
 * @throws PointOutsideError for one in the bars beside the frame
 */
export function toOriginal({ original, box }: Anchors, point: Point): Point {
  const x = point.x - box.left
  const y = point.y - box.top
  if (!isWithin(x, box.width) || !isWithin(y, box.height)) {
    throw new PointOutsideError("the frame's part of the thumbnail", point)
  }
  return { x: (x * original.width) / box.width, y: (y * original.height) / box.height }
}

/** Where a point of a frame is shown. @throws PointOutsideError for one that is not in the frame */
export function toThumbnail({ original, box }: Anchors, point: Point): Point {
  if (!isWithin(point.x, original.width) || !isWithin(point.y, original.height)) {
    throw new PointOutsideError("the frame", point)
  }
  const x = box.left + (point.x * box.width) / original.width
  return { x, y: box.top + (point.y * box.height) / original.height }
}

/** Edges count: they are the corners of the last pixels. */
function isWithin(at: number, length: number): boolean {
  return at >= 0 && at <= length
}
