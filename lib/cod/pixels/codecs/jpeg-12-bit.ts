import { type JpegSegment, jpegSegments, MARKERS } from "../jpeg-header.ts"
import { bitReader, type HuffmanTable, huffmanTables } from "./huffman.ts"
import { inverseCosines } from "./inverse-cosines.ts"
import type { DecodedStream } from "./protocol.ts"

/**
 * JPEG of 12 bits by cosines, sequential, coded by Huffman (ISO/IEC 10918-1, process 4): no package on npm has a codec for it.
 * Components may not be subsampled.
 * @throws TypeError for anything else
 */
export function decode(stream: Uint8Array): DecodedStream {
  const tables: Tables = { quantization: [], dc: [], ac: [], restartInterval: 0 }
  let picture: Picture | undefined
  for (let at = 2; ; ) {
    const segment = jpegSegments(stream, at).next().value
    if (segment === undefined) break
    at = segment.end
    if (segment.marker === MARKERS.SOF0 || segment.marker === MARKERS.SOF1) picture = pictureOf(segment.value)
    if (segment.marker === MARKERS.SOS && picture !== undefined) {
      at = decodeScan(stream, segment, picture, tables)
    } else readTables(segment, tables)
  }
  if (picture === undefined) throw new TypeError("no frame")
  const { rows, columns, components, data } = picture
  const shape = { rows, columns, components: components.length }
  return { ...shape, precision: 12, signed: false, bytes: new Uint8Array(data.buffer) }
}

interface Tables {
  /** In zigzag order. */
  readonly quantization: Uint16Array[]
  readonly dc: HuffmanTable[]
  readonly ac: HuffmanTable[]
  restartInterval: number
}

interface Picture {
  readonly rows: number
  readonly columns: number
  readonly components: readonly { readonly id: number; readonly quantization: number }[]
  readonly data: Uint16Array
}

function pictureOf(value: Uint8Array): Picture {
  const [precision, r1, r0, c1, c0, count, ...rest] = value
  if (precision !== 12 || count === undefined || rest.length < 3 * count)
    throw new TypeError("not of 12 bits")
  const rows = r1! * 256 + r0!
  const columns = c1! * 256 + c0!
  const components = Array.from({ length: count }, (_, index) => {
    const [id, sampling, quantization] = rest.slice(3 * index)
    if (count > 1 && sampling !== 0x11) throw new TypeError("subsampled components of 12 bits")
    return { id: id!, quantization: quantization! }
  })
  return { rows, columns, components, data: new Uint16Array(rows * columns * count) }
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
    const entry = (i: number) =>
      width === 1 ? value[at + i]! : value[at + 2 * i]! * 256 + value[at + 2 * i + 1]!
    tables[slot] = Uint16Array.from({ length: 64 }, (_, i) => entry(i))
    at += 64 * width
  }
}

interface ScanComponent {
  readonly index: number
  readonly dc: HuffmanTable
  readonly ac: HuffmanTable
  readonly quantization: Uint16Array
}

/** @returns where the next marker is */
function decodeScan(stream: Uint8Array, segment: JpegSegment, picture: Picture, tables: Tables): number {
  const components = scanComponents(segment.value, picture, tables)
  const { rows, columns } = picture
  const across = Math.ceil(columns / 8)
  const units = across * Math.ceil(rows / 8)
  const bits = bitReader(stream, segment.end)
  const predictions = new Int32Array(components.length)
  const coefficients = new Int32Array(64)
  for (let unit = 0; unit < units; unit += 1) {
    if (tables.restartInterval > 0 && unit > 0 && unit % tables.restartInterval === 0) {
      bits.restart()
      predictions.fill(0)
    }
    for (const [position, component] of components.entries()) {
      predictions[position]! += readBlock(bits, component, coefficients, predictions[position]!)
      inverseCosines(coefficients, SAMPLE_BITS)
      putBlock(coefficients, picture, component.index, Math.floor(unit / across) * 8, (unit % across) * 8)
    }
  }
  return bits.end()
}

const SAMPLE_BITS = 12

function scanComponents(value: Uint8Array, picture: Picture, tables: Tables): ScanComponent[] {
  return Array.from({ length: value[0] ?? 0 }, (_, position) => {
    const id = value[1 + 2 * position]
    const slots = value[2 + 2 * position] ?? 0
    const index = picture.components.findIndex((component) => component.id === id)
    const quantization = tables.quantization[picture.components[index]?.quantization ?? -1]
    const dc = tables.dc[slots >> 4]
    const ac = tables.ac[slots & 15]
    if (dc === undefined || ac === undefined || quantization === undefined) throw new TypeError("no table")
    return { index, dc, ac, quantization }
  })
}

/** Reads one block, dequantized and out of its zigzag. @returns by how much its mean differs from the prediction */
function readBlock(
  bits: ReturnType<typeof bitReader>,
  { dc, ac, quantization }: ScanComponent,
  block: Int32Array,
  prediction: number,
): number {
  block.fill(0)
  const difference = bits.signed(Math.min(16, bits.symbol(dc)))
  block[0] = (prediction + difference) * quantization[0]!
  for (let k = 1; k < 64; k += 1) {
    const symbol = bits.symbol(ac)
    const size = symbol & 15
    const run = symbol >> 4
    if (size === 0 && run < 15) break
    k += run
    if (size > 0 && k < 64) block[ZIGZAG[k]!] = bits.signed(size) * quantization[k]!
  }
  return difference
}

// Where the k-th coefficient stands in its block of 8 by 8.
const ZIGZAG = Uint8Array.of(
  ...[0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6],
  ...[7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31],
  ...[39, 46, 53, 60, 61, 54, 47, 55, 62, 63],
)

function putBlock(block: Int32Array, picture: Picture, component: number, top: number, left: number): void {
  const { rows, columns, components, data } = picture
  const step = components.length
  for (let y = 0; y < 8 && top + y < rows; y += 1) {
    for (let x = 0; x < 8 && left + x < columns; x += 1) {
      data[((top + y) * columns + left + x) * step + component] = block[8 * y + x]!
    }
  }
}
