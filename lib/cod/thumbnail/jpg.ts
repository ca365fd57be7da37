import { InvalidThumbnailError } from "./errors.ts"
import { MAX_SIZE, type Picture } from "./picture.ts"

/** What the Python package's OpenCV takes unless told otherwise. */
const QUALITY = 95

/** A picture as JPEG. */
export async function encodeJpg({ size, rgb }: Picture): Promise<Uint8Array> {
  const raw = { width: size, height: size, channels: 3 } as const
  // Codes of its own would save a twentieth of the bytes for half as much time again.
  const jpeg = { quality: QUALITY, chromaSubsampling: "4:4:4", optimiseCoding: false }
  return await (await loadSharp())(rgb, { raw }).jpeg(jpeg).toBuffer()
}

/** A square JPEG as pixels. @throws InvalidThumbnailError */
export async function decodeJpg(bytes: Uint8Array): Promise<Picture> {
  // The codec reads many kinds of files, and decides by what is in them.
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) throw new InvalidThumbnailError("thumbnail.jpg is no JPEG")
  const { data, info } = await decoded(bytes)
  if (info.width === info.height) return { size: info.width, rgb: new Uint8Array(data) }
  throw new InvalidThumbnailError(`thumbnail.jpg is not square: ${info.width} x ${info.height}`)
}

async function decoded(bytes: Uint8Array) {
  const sharp = await loadSharp()
  try {
    const image = sharp(bytes, { limitInputPixels: MAX_SIZE ** 2, failOn: "error" })
    return await image.toColourspace("srgb").removeAlpha().raw().toBuffer({ resolveWithObject: true })
  } catch (cause) {
    throw new InvalidThumbnailError(`thumbnail.jpg cannot be read: ${(cause as Error).message}`, { cause })
  }
}

/** 20 MB that most of us never need. */
async function loadSharp() {
  return (await import("sharp")).default
}
