/** What the pixels of a file may ask of us before they count as hostile. */
export interface PixelLimits {
  /** Rows, and columns. */
  readonly dimension: number
  readonly frames: number
  /** Bytes of one frame, decoded or not. */
  readonly frameBytes: number
  /** Milliseconds that a codec may take for one frame before it is ended. */
  readonly milliseconds: number
  /** Bytes that a codec's memory may grow to. */
  readonly memoryBytes: number
}

/** The largest detectors have some 6000 pixels a side; a frame of 20,000 x 20,000 of colours would be 1.2 GB. */
export const PIXEL_LIMITS: PixelLimits = {
  dimension: 32_768,
  frames: 1_000_000,
  frameBytes: 256 * 2 ** 20,
  milliseconds: 30_000,
  memoryBytes: 2 * 2 ** 30,
}
