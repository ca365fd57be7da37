import { type JpegSegment, jpegSegments, MARKERS } from "../jpeg-header.ts"
import { type HuffmanTable, huffmanTables } from "./huffman.ts"
import type { DecodedStream } from "./protocol.ts"

/** Tables as they stand before a scan. */
export interface Tables {
  /** In zigzag order. */
  readonly quantization: Uint16Array[]
  readonly dc: HuffmanTable[]
  readonly ac: HuffmanTable[]
  restartInterval: number
}

export interface Picture {
  readonly rows: number
  readonly columns: number
  readonly precision: number
  readonly components: readonly { readonly id: number; readonly quantization: number }[]
  /** Interleaved. */
  readonly data: Uint16Array
}

/** Puts the samples of one scan into the picture. @returns where its bits end */
export type DecodeScan = (stream: Uint8Array, scan: JpegSegment, picture: Picture, tables: Tables) => number

/**
 * All scans of a JPEG stream (ISO/IEC 10918-1, annex B) whose components are of one size.
 * @param starts markers of frames that `decodeScan` knows
 * @throws TypeError for any other stream
 */
export function decodeScans(
  stream: Uint8Array,
  starts: readonly number[],
  decodeScan: DecodeScan,
): DecodedStream {
  const tables: Tables = { quantization: [], dc: [], ac: [], restartInterval: 0 }
  let picture: Picture | undefined
  for (let at = 2; ; ) {
    const segment = jpegSegments(stream, at).next().value
    if (segment === undefined) break
    at = segment.end
    if (starts.includes(segment.marker)) picture ??= pictureOf(segment.value)
    else if (segment.marker !== MARKERS.SOS) readTables(segment, tables)
    else if (picture !== undefined) at = decodeScan(stream, segment, picture, tables)
  }
  if (picture === undefined) throw new TypeError("no frame")
  const { rows, columns, precision, components, data } = picture
  const bytes = precision > 8 ? new Uint8Array(data.buffer) : Uint8Array.from(data)
  return { rows, columns, components: components.length, precision, signed: false, bytes }
}

/** Which components a scan has, by their places in the picture, and the slots of their tables of codes. */
export function componentsOf(value: Uint8Array, picture: Picture) {
  return Array.from({ length: value[0] ?? 0 }, (_, position) => {
    const index = picture.components.findIndex(({ id }) => id === value[1 + 2 * position])
    if (index < 0) throw new TypeError("a scan of a component that is not there")
    const slots = value[2 + 2 * position] ?? 0
    return { index, dc: slots >> 4, ac: slots & 15 }
  })
}

function pictureOf(value: Uint8Array): Picture {
  const [precision, r1, r0, c1, c0, count, ...rest] = value
  if (count === undefined || rest.length < 3 * count) throw new TypeError("the frame's header is cut off")
  const rows = r1! * 256 + r0!
  const columns = c1! * 256 + c0!
  const components = Array.from({ length: count }, (_, index) => {
    const [id, sampling, quantization] = rest.slice(3 * index)
    if (count > 1 && sampling !== 0x11) throw new TypeError("components of several sizes")
    return { id: id!, quantization: quantization! }
  })
  return { rows, columns, precision: precision!, components, data: new Uint16Array(rows * columns * count) }
}

function readTables({ marker, value }: JpegSegment, tables: Tables): void {
  if (marker === MARKERS.DRI) tables.restartInterval = (value[0] ?? 0) * 256 + (value[1] ?? 0)
  if (marker === MARKERS.DQT) readQuantization(value, tables.quantization)
  if (marker === MARKERS.DHT) {
    for (const { isAc, slot, table } of huffmanTables(value)) (isAc ? tables.ac : tables.dc)[slot] = table
  }
}

function readQuantization(value: Uint8Array, tables: Uint16Array[]): void {
  for (let at = 0; at < value.length; ) {
    const width = value[at]! >> 4 === 0 ? 1 : 2
    const slot = value[at]! & 15
    at += 1
    if (at + 64 * width > value.length) throw new TypeError("a table of quantization is cut off")
    const start = at
    tables[slot] = Uint16Array.from({ length: 64 }, (_, i) =>
      width === 1 ? value[start + i]! : value[start + 2 * i]! * 256 + value[start + 2 * i + 1]!,
    )
    at += 64 * width
  }
}
