/** What a JPEG 2000 codestream says of itself (ISO/IEC 15444-1, annex A), raw or in a JP2 file. */
export interface Jpeg2000Header {
  readonly rows: number
  readonly columns: number
  readonly components: number
  readonly precision: number
  readonly signed: boolean
  /** All components have a sample for each pixel, of the same kind. */
  readonly isUniform: boolean
  /** The codec makes RGB of what is stored (RCT or ICT). */
  readonly hasColourTransform: boolean
  /** Blocks are coded as ISO/IEC 15444-15 has it. */
  readonly isHighThroughput: boolean
  /** How often the picture may be had with its rows and columns halved, rounded up. */
  readonly halvings: number
}

/** @returns undefined for bytes that are none */
export function jpeg2000Header(bytes: Uint8Array): Jpeg2000Header | undefined {
  const start = codestreamStart(bytes)
  if (start === undefined) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, bytes.length - start)
  const size = sizeOf(view)
  if (size === undefined) return undefined
  const { transform, highThroughput, halvings } = codingStyle(view)
  return {
    ...size,
    hasColourTransform: transform,
    isHighThroughput: highThroughput,
    // A picture that begins elsewhere on its grid is halved in another way.
    halvings: size.isAtOrigin ? halvings : 0,
  }
}

const SOC_SIZ = 0xff4fff51
const CAP = 0xff50
const COD = 0xff52
const SOT = 0xff90

/** Boxes of a JP2 file come before it; it is looked for among their contents rather than by them. */
function codestreamStart(bytes: Uint8Array): number | undefined {
  const marker = Uint8Array.of(0xff, 0x4f, 0xff, 0x51)
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1 << 16)).indexOf(marker)
  return at === 0 || (at > 0 && isJp2(bytes)) ? at : undefined
}

function isJp2(bytes: Uint8Array): boolean {
  return bytes[4] === 0x6a && bytes[5] === 0x50 && bytes[6] === 0x20 && bytes[7] === 0x20
}

// Marker, length, capabilities, eight sizes and offsets of 4 bytes each, then the components of 3 bytes.
const SIZ_BYTES = 42

function sizeOf(view: DataView) {
  if (view.byteLength < SIZ_BYTES || view.getUint32(0) !== SOC_SIZ) return undefined
  const components = view.getUint16(40)
  if (view.byteLength < SIZ_BYTES + 3 * components || components === 0) return undefined
  const kinds = Array.from({ length: components }, (_, index) => {
    const at = SIZ_BYTES + 3 * index
    return { bits: view.getUint8(at), steps: view.getUint16(at + 1) }
  })
  const { bits } = kinds[0]!
  return {
    columns: view.getUint32(8) - view.getUint32(16),
    rows: view.getUint32(12) - view.getUint32(20),
    components,
    isAtOrigin: view.getUint32(16) === 0 && view.getUint32(20) === 0,
    precision: (bits & 0x7f) + 1,
    signed: bits > 0x7f,
    isUniform: kinds.every((kind) => kind.bits === bits && kind.steps === 0x0101),
  }
}

function codingStyle(view: DataView) {
  let highThroughput = false
  let at = 2
  while (at + 4 <= view.byteLength) {
    const marker = view.getUint16(at)
    if (marker === SOT || marker < 0xff00) break
    if (marker === CAP) highThroughput = true
    if (marker === COD && at + 10 <= view.byteLength) {
      return { transform: view.getUint8(at + 8) !== 0, highThroughput, halvings: view.getUint8(at + 9) }
    }
    at += 2 + Math.max(2, view.getUint16(at + 2))
  }
  return { transform: false, highThroughput, halvings: 0 }
}
