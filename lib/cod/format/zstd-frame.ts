import { InvalidCompression } from "./errors.ts"

const MAGIC = 0xfd2fb528
const RAW = 0
const RLE = 1
const COMPRESSED = 2

/**
 * Bytes that a zstd frame says it holds (RFC 8878, section 3.1.1), or undefined where it does not say. Its blocks are
 * walked by their headers, so that a frame cut short, or something behind it, is told before anything is decompressed.
 *
 * @throws InvalidCompression unless `bytes` is exactly one frame
 */
export function contentSizeOf(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    const { blocks, contentSize, hasChecksum } = readHeader(view)
    const end = endOfBlocks(view, blocks) + (hasChecksum ? 4 : 0)
    if (end === bytes.length) return contentSize
  } catch (cause) {
    // A read behind the end of the view: the frame is cut short.
    if (!(cause instanceof RangeError)) throw cause
    throw new InvalidCompression("a zstd frame is cut short", { facts: { bytes: bytes.length }, cause })
  }
  throw new InvalidCompression("a zstd frame does not end where its bytes end", {
    facts: { bytes: bytes.length },
  })
}

function readHeader(view: DataView) {
  if (view.getUint32(0, true) !== MAGIC) throw new InvalidCompression("no zstd frame")
  const descriptor = view.getUint8(4)
  const isSingleSegment = (descriptor & 0x20) !== 0
  const dictionaryId = [0, 1, 2, 4][descriptor & 3] ?? 0
  const at = 5 + (isSingleSegment ? 0 : 1) + dictionaryId
  const [sizeBytes, contentSize] = readContentSize(view, at, descriptor >> 6, isSingleSegment)
  return { blocks: at + sizeBytes, contentSize, hasChecksum: (descriptor & 4) !== 0 }
}

/** The field's bytes and its value. */
function readContentSize(
  view: DataView,
  at: number,
  flag: number,
  isSingleSegment: boolean,
): [bytes: number, contentSize: number | undefined] {
  if (flag === 0) return isSingleSegment ? [1, view.getUint8(at)] : [0, undefined]
  if (flag === 1) return [2, view.getUint16(at, true) + 256]
  if (flag === 2) return [4, view.getUint32(at, true)]
  return [8, Number(view.getBigUint64(at, true))]
}

function endOfBlocks(view: DataView, start: number): number {
  let at = start
  while (true) {
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16)
    const type = (header >> 1) & 3
    const size = header >> 3
    if (type !== RAW && type !== RLE && type !== COMPRESSED) {
      throw new InvalidCompression("a zstd frame has a block of an unknown type", { facts: { type } })
    }
    at += 3 + (type === RLE ? 1 : size)
    if ((header & 1) === 1) return at
  }
}
