/** What a JPEG or JPEG-LS stream says of itself before its first scan (ISO/IEC 10918-1, annex B; 14495-1, annex C). */
export interface JpegHeader {
  /** The code of its SOF marker: C0 to C2 by cosines, C3 lossless, F7 JPEG-LS. */
  readonly process: number
  readonly precision: number
  readonly rows: number
  readonly columns: number
  readonly components: number
  /** By the markers and names by which libjpeg tells: made of RGB, YCbCr, or nothing says. */
  readonly colours: "RGB" | "YBR" | undefined
}

/** @returns undefined for bytes that are none */
export function jpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== SOI) return undefined
  let colours: JpegHeader["colours"]
  for (const { marker, value } of jpegSegments(bytes, 2)) {
    if (marker === APP0 && startsWith(value, "JFIF\0")) colours = "YBR"
    if (marker === APP14 && startsWith(value, "Adobe") && value.length >= 12) {
      colours ??= value[11] === 0 ? "RGB" : "YBR"
    }
    if (isStartOfFrame(marker)) return frameHeader(marker, value, colours)
    if (marker === MARKERS.SOS) return undefined
  }
  return undefined
}

/** The same stream, saying that its colours are what they are: a decoder leaves them alone. */
export function withoutTransform(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat([bytes.subarray(0, 2), ADOBE_RGB, bytes.subarray(2)]))
}

const SOI = 0xd8
const APP0 = 0xe0
const APP14 = 0xee
const ADOBE_RGB = Uint8Array.from([
  ...[0xff, APP14, 0, 14],
  ...Buffer.from("Adobe"),
  ...[0, 100, 0, 0, 0, 0, 0],
])

/** Codes of markers that have a segment. */
export const MARKERS = {
  SOF0: 0xc0,
  SOF1: 0xc1,
  SOF3: 0xc3,
  DHT: 0xc4,
  SOS: 0xda,
  DQT: 0xdb,
  DRI: 0xdd,
} as const

export interface JpegSegment {
  readonly marker: number
  readonly value: Uint8Array
  /** Where the next marker, or a scan's bits, begin. */
  readonly end: number
}

/** Segments from `start` on, up to bytes that are none: a scan's, or the end. */
export function* jpegSegments(bytes: Uint8Array, start: number): Generator<JpegSegment, undefined> {
  let at = start
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1]!
    if (marker === 0xff) {
      at += 1
      continue
    }
    const length = bytes[at + 2]! * 256 + bytes[at + 3]!
    const end = at + 2 + length
    if (length < 2 || end > bytes.length) return undefined
    yield { marker, value: bytes.subarray(at + 4, end), end }
    at = end
  }
  return undefined
}

/** SOF0 to SOF15 without DHT, JPG and DAC, which stand among them; SOF55. */
function isStartOfFrame(marker: number): boolean {
  return (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) || marker === 0xf7
}

function frameHeader(process: number, value: Uint8Array, colours: JpegHeader["colours"]) {
  if (value.length < 6) return undefined
  const view = new DataView(value.buffer, value.byteOffset, value.length)
  const components = view.getUint8(5)
  const names = Array.from({ length: components }, (_, index) => value[6 + 3 * index] ?? 0)
  const isNamedRgb = String.fromCharCode(...names) === "RGB"
  return {
    process,
    precision: view.getUint8(0),
    rows: view.getUint16(1),
    columns: view.getUint16(3),
    components,
    colours: colours ?? (isNamedRgb ? "RGB" : undefined),
  } as const
}

function startsWith(value: Uint8Array, text: string): boolean {
  return value.length >= text.length && Buffer.from(text).equals(value.subarray(0, text.length))
}
