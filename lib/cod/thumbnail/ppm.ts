import { TooLarge } from "../format/errors.ts"
import { InvalidThumbnailError } from "./errors.ts"
import type { Picture } from "./picture.ts"

/** What is read at most: pixels a side, pictures, and bytes of all of them. */
export interface PpmLimits {
  readonly side: number
  readonly count: number
  readonly bytes: number
}

/** `P6 WIDTH HEIGHT 255`, in any white space, and one more of it. */
const HEADER = /^P6\s+(\d{1,5})\s+(\d{1,5})\s+255\s/

/** Longer than any header. */
const HEADER_BYTES = 32

/**
 * Square pictures of the portable pixmap format, one after the other.
 * @throws InvalidThumbnailError for anything else, TooLarge
 */
export async function readPpms(
  pieces: AsyncIterable<Uint8Array>,
  { side, count, bytes }: PpmLimits,
): Promise<Picture[]> {
  const pictures: Picture[] = []
  let rest: Uint8Array = new Uint8Array()
  let wanted = HEADER_BYTES
  let held: Uint8Array[] = []
  let length = 0
  let total = 0

  const takePictures = () => {
    rest = Buffer.concat([rest, ...held])
    held = []
    length = rest.length
    while (pictures.length < count) {
      const header = headerOf(rest, side)
      if (header === undefined) break
      wanted = header.end
      if (rest.length < wanted) return
      pictures.push({ size: header.size, rgb: new Uint8Array(rest.subarray(header.start, header.end)) })
      rest = rest.subarray(header.end)
      length = rest.length
    }
    wanted = HEADER_BYTES
  }

  for await (const piece of pieces) {
    held.push(piece.slice())
    length += piece.length
    total += piece.length
    if (total > bytes) throw new TooLarge("all pictures of a thumbnail together", bytes)
    if (length >= wanted) takePictures()
  }
  takePictures()
  if (rest.length === 0) return pictures
  throw new InvalidThumbnailError("a video's frames come in no form that is known")
}

/** @returns undefined while it is not there */
function headerOf(bytes: Uint8Array, side: number) {
  const found = HEADER.exec(Buffer.from(bytes.subarray(0, HEADER_BYTES)).toString("latin1"))
  if (found === null) return undefined
  const [width, height] = [Number(found[1]), Number(found[2])]
  if (width !== height || width < 1 || width > side) {
    throw new InvalidThumbnailError(`thumbnail.mp4 is ${width} x ${height} pixels`)
  }
  return { size: width, start: found[0].length, end: found[0].length + width * height * 3 }
}
