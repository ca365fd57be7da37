import type { RenderedFrame } from "../../cod/index.ts"
import { placed } from "../../cod/thumbnail/geometry.ts"
import { resized } from "../../cod/thumbnail/resize.ts"

export type PictureFormat = "png" | "jpg"

/** The same with so many pixels on its long side, by area; its short one is at least a pixel. */
export function sized(frame: RenderedFrame, size: number | undefined): RenderedFrame {
  if (size === undefined) return frame
  const { rows, columns, samples } = frame
  const original = { width: columns, height: rows }
  const { width, height } = placed(original, size).box
  const { data } = resized({ ...original, samples, data: frame.data }, { width, height }, "area")
  return { rows: height, columns: width, samples, data: Uint8Array.from(data, Math.round) }
}

/** As PNG, where every sample is as it was, or as JPEG of quality 95. Greys have one channel. */
export async function encodePicture(
  { rows, columns, samples, data }: RenderedFrame,
  format: PictureFormat,
): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp")
  const raw = { width: columns, height: rows, channels: samples }
  const image = sharp(data, { raw, limitInputPixels: false })
  const coloured = samples === 1 ? image.toColourspace("b-w") : image
  return await (format === "png"
    ? coloured.png()
    : coloured.jpeg({ quality: 95, chromaSubsampling: "4:4:4" })
  ).toBuffer()
}
