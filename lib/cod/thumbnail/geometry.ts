/** A picture's extent. */
export interface Extent {
  readonly width: number
  readonly height: number
}

/** Where a picture lies in the square of its thumbnail; pixels from `left` up to `left + width`, exclusive. */
export interface Box extends Extent {
  readonly left: number
  readonly top: number
}

/** Where a frame lies in its thumbnail, and how large it was. Both in pixels. */
export interface Anchors {
  readonly original: Extent
  readonly box: Box
}

/**
 * A frame in a square of so many pixels: its long side fills it, its short one is cut to whole pixels, never to none, and
 * lies in the middle, the odd pixel behind it.
 */
export function placed(original: Extent, size: number): Anchors {
  const { width, height } = fitted(original, size)
  const box = { left: (size - width) >> 1, top: (size - height) >> 1, width, height }
  return { original, box }
}

function fitted({ width, height }: Extent, size: number): Extent {
  const ratio = Math.max(width, height) / size
  // The long side may come out a hair too short of the division.
  const scaled = (side: number, other: number) =>
    side >= other ? size : Math.max(1, Math.trunc(side / ratio))
  return { width: scaled(width, height), height: scaled(height, width) }
}
