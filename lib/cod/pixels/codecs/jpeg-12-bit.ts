import { type JpegSegment, MARKERS } from "../jpeg-header.ts"
import { type BitReader, bitReader, type HuffmanTable } from "./huffman.ts"
import { inverseCosines } from "./inverse-cosines.ts"
import { componentsOf, decodeScans, type Picture, type Tables } from "./jpeg-scans.ts"
import type { DecodedStream } from "./protocol.ts"

/**
 * JPEG of 12 bits by cosines, sequential, coded by Huffman (ISO/IEC 10918-1, process 4): no package on npm has a codec
 * for it. Components may not be subsampled.
 * @throws TypeError for anything else
 */
export function decode(stream: Uint8Array): DecodedStream {
  return decodeScans(stream, [MARKERS.SOF0, MARKERS.SOF1], decodeScan)
}

const SAMPLE_BITS = 12

interface ScanComponent {
  readonly index: number
  readonly dc: HuffmanTable
  readonly ac: HuffmanTable
  readonly quantization: Uint16Array
}

function decodeScan(stream: Uint8Array, scan: JpegSegment, picture: Picture, tables: Tables): number {
  const components = withTables(scan.value, picture, tables)
  const across = Math.ceil(picture.columns / 8)
  const blocks = across * Math.ceil(picture.rows / 8)
  const bits = bitReader(stream, scan.end)
  const predictions = new Int32Array(components.length)
  const block = new Int32Array(64)
  for (let at = 0; at < blocks; at += 1) {
    if (tables.restartInterval > 0 && at > 0 && at % tables.restartInterval === 0) {
      bits.restart()
      predictions.fill(0)
    }
    for (const [position, component] of components.entries()) {
      predictions[position]! += readBlock(bits, component, block, predictions[position]!)
      inverseCosines(block, SAMPLE_BITS)
      putBlock(block, picture, component.index, Math.floor(at / across) * 8, (at % across) * 8)
    }
  }
  return bits.end()
}

function withTables(value: Uint8Array, picture: Picture, tables: Tables): ScanComponent[] {
  return componentsOf(value, picture).map(({ index, ...slots }) => {
    const quantization = tables.quantization[picture.components[index]!.quantization]
    const dc = tables.dc[slots.dc]
    const ac = tables.ac[slots.ac]
    if (dc === undefined || ac === undefined || quantization === undefined) throw new TypeError("no table")
    return { index, dc, ac, quantization }
  })
}

/** Reads one block, dequantized and out of its zigzag. @returns by how much its mean differs from the prediction */
function readBlock(
  bits: BitReader,
  { dc, ac, quantization }: ScanComponent,
  block: Int32Array,
  prediction: number,
): number {
  block.fill(0)
  const difference = bits.difference(dc)
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
