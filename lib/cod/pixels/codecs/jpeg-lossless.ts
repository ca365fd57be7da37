import { type JpegSegment, MARKERS } from "../jpeg-header.ts"
import { bitReader, type DifferenceTable, differenceTable } from "./huffman.ts"
import { componentsOf, decodeScans, type Picture, type Tables } from "./jpeg-scans.ts"
import type { DecodedStream } from "./protocol.ts"

/**
 * JPEG lossless, coded by Huffman, any predictor, of 2 to 16 bits (ISO/IEC 10918-1, annex H). The package on npm that has
 * it loses the last pixels of some pictures, and two of three colours beyond 8 bits.
 * @throws TypeError for anything else
 */
export function decode(stream: Uint8Array): DecodedStream {
  return decodeScans(stream, [MARKERS.SOF3], decodeScan)
}

interface ScanComponent {
  readonly index: number
  readonly table: DifferenceTable
}

function decodeScan(stream: Uint8Array, scan: JpegSegment, picture: Picture, tables: Tables): number {
  const { rows, columns } = picture
  const components = withTables(scan.value, picture, tables)
  const parameters = scan.value.subarray(1 + 2 * components.length)
  const predictor = parameters[0] ?? 0
  const pointTransform = (parameters[2] ?? 0) & 15
  if (predictor < 1 || predictor > 7) throw new TypeError("a predictor that is none")
  const { restartInterval } = tables
  if (restartInterval % columns !== 0) throw new TypeError("a restart within a row")
  const bits = bitReader(stream, scan.end)
  const ofComponents = components.map(({ table }) => table)
  const differences = new Int32Array(columns * components.length)
  for (let row = 0; row < rows; row += 1) {
    const isRestart = restartInterval > 0 && row > 0 && (row * columns) % restartInterval === 0
    if (isRestart) bits.restart()
    const line = { row, predictor: row === 0 || isRestart ? 0 : predictor, pointTransform }
    bits.differences(ofComponents, differences)
    for (const [position, { index }] of components.entries()) {
      addPredictions({ differences, position, step: components.length }, picture, index, line)
    }
  }
  if (pointTransform > 0) shift(picture, components, pointTransform)
  return bits.end()
}

function withTables(value: Uint8Array, picture: Picture, { dc }: Tables): ScanComponent[] {
  return componentsOf(value, picture).map(({ index, dc: slot }) => {
    const table = dc[slot]
    if (table === undefined) throw new TypeError("no table")
    return { index, table: differenceTable(table) }
  })
}

interface Line {
  readonly row: number
  /** 0 for a line without one above it. */
  readonly predictor: number
  readonly pointTransform: number
}

/** Of one component every so many. */
interface Differences {
  readonly differences: Int32Array
  readonly position: number
  readonly step: number
}

function addPredictions(
  { differences, position, step: every }: Differences,
  { columns, precision, components, data }: Picture,
  index: number,
  { row, predictor, pointTransform }: Line,
): void {
  const step = components.length
  const above = columns * step
  const start = row * above + index
  const first = predictor === 0 ? 2 ** (precision - pointTransform - 1) : data[start - above]!
  const end = start + above
  // Kept modulo 65536, as differences are meant.
  let value = (first + differences[position]!) & 0xffff
  data[start] = value
  let from = position + every
  for (let at = start + step; at < end; at += step, from += every) {
    const prediction =
      predictor < 2 ? value : predicted(predictor, value, data[at - above]!, data[at - above - step]!)
    value = (prediction + differences[from]!) & 0xffff
    data[at] = value
  }
}

/** Of what is to the left, above, and above to the left (table H.1). */
function predicted(predictor: number, a: number, b: number, c: number): number {
  switch (predictor) {
    case 2:
      return b
    case 3:
      return c
    case 4:
      return a + b - c
    case 5:
      return a + ((b - c) >> 1)
    case 6:
      return b + ((a - c) >> 1)
    default:
      return (a + b) >> 1
  }
}

function shift(
  { components: all, data }: Picture,
  components: readonly ScanComponent[],
  pointTransform: number,
): void {
  for (const { index } of components) {
    for (let at = index; at < data.length; at += all.length) data[at] = data[at]! << pointTransform
  }
}
