/** Streams for tests: by encoders of the packages whose decoders we use, and by a few lines where there is none. */
import type { WasmFactory } from "../../../lib/cod/pixels/codecs/wasm.ts"

export interface Picture {
  readonly rows: number
  readonly columns: number
  readonly components: 1 | 3
  /** Of a sample, at most 16. */
  readonly bits: number
  readonly signed?: boolean
  /** Interleaved. */
  readonly data: Uint8Array | Int8Array | Uint16Array | Int16Array
}

interface Encoder {
  getDecodedBuffer(frame: object): Uint8Array
  getEncodedBuffer(): Uint8Array
  encode(): void
  setNearLossless?(near: number): void
  setInterleaveMode?(mode: number): void
  setQuality?(reversible: boolean, step: number): void
  setDecompositions?(count: number): void
  delete(): void
}

type Encoders = Record<"JpegLSEncoder" | "J2KEncoder" | "HTJ2KEncoder", new () => Encoder>

export async function jpegLs(picture: Picture, options: { near?: number; planar?: boolean } = {}) {
  const { default: factory } = await import("@cornerstonejs/codec-charls/wasmjs" as string)
  const { JpegLSEncoder } = await encodersOf(factory, "@cornerstonejs/codec-charls/wasm")
  return encoded(new JpegLSEncoder(), picture, (encoder) => {
    encoder.setNearLossless?.(options.near ?? 0)
    // By sample, or by plane.
    encoder.setInterleaveMode?.(picture.components === 1 || options.planar ? 0 : 2)
  })
}

export async function jpeg2000(picture: Picture): Promise<Uint8Array> {
  const { default: factory } = await import("@cornerstonejs/codec-openjpeg/wasmjs" as string)
  const { J2KEncoder } = await encodersOf(factory, "@cornerstonejs/codec-openjpeg/wasm")
  const stream = encoded(new J2KEncoder(), picture, (encoder) => {
    encoder.setQuality?.(true, 0)
    encoder.setDecompositions?.(Math.min(5, Math.floor(Math.log2(Math.min(picture.rows, picture.columns)))))
  })
  // It hands out more than it wrote: one tile and the end.
  const view = new DataView(stream.buffer)
  const tile = Buffer.from(stream).indexOf(Uint8Array.of(0xff, 0x90))
  return stream.slice(0, tile + view.getUint32(tile + 6) + 2)
}

export async function htj2k(picture: Picture): Promise<Uint8Array> {
  const { default: factory } = await import("@cornerstonejs/codec-openjph")
  const { HTJ2KEncoder } = await encodersOf(factory, "@cornerstonejs/codec-openjph/wasm")
  return encoded(new HTJ2KEncoder(), picture, (encoder) => encoder.setQuality?.(true, 0))
}

async function encodersOf(factory: WasmFactory, wasm: string): Promise<Encoders> {
  const bytes = await Bun.file(Bun.fileURLToPath(import.meta.resolve(wasm))).bytes()
  const compiled = await WebAssembly.compile(bytes)
  const made = factory({
    instantiateWasm(imports, receive) {
      void WebAssembly.instantiate(compiled, imports).then(receive)
      return {}
    },
    print() {},
    printErr() {},
  })
  return (await made) as unknown as Encoders
}

function encoded(
  encoder: Encoder,
  picture: Picture,
  prepare: (encoder: Encoder) => void,
): Uint8Array<ArrayBuffer> {
  const { rows, columns, components, bits, signed = false, data } = picture
  const room = encoder.getDecodedBuffer({
    width: columns,
    height: rows,
    bitsPerSample: bits,
    componentCount: components,
    isSigned: signed,
    isUsingColorTransform: components === 3,
  })
  room.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  prepare(encoder)
  encoder.encode()
  const stream = new Uint8Array(encoder.getEncodedBuffer())
  encoder.delete()
  return stream
}

/** JPEG lossless by one of its seven predictors (ISO/IEC 10918-1, annex H). */
export function jpegLossless({ rows, columns, components, bits, data }: Picture, predictor = 1): Uint8Array {
  const at = (row: number, i: number) => data[row * columns * components + i]! & (2 ** bits - 1)
  const prediction = (row: number, i: number) => {
    const isFirst = i < components
    if (row === 0) return isFirst ? 2 ** (bits - 1) : at(0, i - components)
    if (isFirst) return at(row - 1, i)
    const [a, b, c] = [at(row, i - components), at(row - 1, i), at(row - 1, i - components)]
    return [0, a, b, c, a + b - c, a + ((b - c) >> 1), b + ((a - c) >> 1), (a + b) >> 1][predictor]!
  }
  const scan = bitWriter()
  for (let row = 0; row < rows; row += 1) {
    for (let i = 0; i < columns * components; i += 1) scan.difference(at(row, i) - prediction(row, i))
  }
  const ids = Array.from({ length: components }, (_, index) => index + 1)
  return jpeg([
    segment(
      0xc3,
      bits,
      rows >> 8,
      rows & 255,
      columns >> 8,
      columns & 255,
      components,
      ids.flatMap((id) => [id, 0x11, 0]),
    ),
    segment(0xc4, DIFFERENCES),
    segment(
      0xda,
      components,
      ids.flatMap((id) => [id, 0]),
      predictor,
      0,
      0,
    ),
    scan.bytes(),
  ])
}

/** JPEG of 12 bits of which each block of 8 by 8 has one value, row by row. */
export function flatBlocks(
  rows: number,
  columns: number,
  values: readonly number[],
  restart = 0,
): Uint8Array {
  const scans: Uint8Array[] = []
  let scan = bitWriter()
  let prediction = 0
  for (const [index, value] of values.entries()) {
    if (restart > 0 && index > 0 && index % restart === 0) {
      scans.push(scan.bytes(), Uint8Array.of(0xff, 0xd0 + ((index / restart - 1) % 8)))
      scan = bitWriter()
      prediction = 0
    }
    const coefficient = 8 * (value - 2048)
    scan.difference(coefficient - prediction)
    // The only code of the other table: nothing follows.
    scan.bits(0, 1)
    prediction = coefficient
  }
  return jpeg([
    segment(
      0xdb,
      0,
      Array.from({ length: 64 }, () => 1),
    ),
    segment(0xc1, 12, rows >> 8, rows & 255, columns >> 8, columns & 255, 1, 1, 0x11, 0),
    segment(0xc4, DIFFERENCES),
    segment(
      0xc4,
      0x10,
      1,
      Array.from({ length: 15 }, () => 0),
      0,
    ),
    ...(restart > 0 ? [segment(0xdd, 0, restart)] : []),
    segment(0xda, 1, 1, 0, 0, 63, 0),
    ...scans,
    scan.bytes(),
  ])
}

// Seventeen codes of five bits, one for each number of bits that a difference may have.
const DIFFERENCES = [
  0,
  0,
  0,
  0,
  0,
  17,
  ...Array.from({ length: 11 }, () => 0),
  ...Array.from({ length: 17 }, (_, i) => i),
]

function jpeg(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat([Uint8Array.of(0xff, 0xd8), ...parts, Uint8Array.of(0xff, 0xd9)]))
}

function segment(marker: number, ...values: (number | readonly number[])[]): Uint8Array {
  const value = values.flat()
  return Uint8Array.of(0xff, marker, (value.length + 2) >> 8, (value.length + 2) & 255, ...value)
}

function bitWriter() {
  const bytes: number[] = []
  let byte = 0
  let count = 0

  function bits(value: number, length: number): void {
    for (let i = length - 1; i >= 0; i -= 1) {
      byte = byte * 2 + (Math.floor(value / 2 ** i) & 1)
      count += 1
      if (count === 8) {
        bytes.push(byte)
        if (byte === 0xff) bytes.push(0)
        byte = 0
        count = 0
      }
    }
  }

  return {
    bits,
    difference(wide: number): void {
      // Differences wrap at 16 bits; -32768 and 32768 are one, and have no bits of their own.
      const value = (wide << 16) >> 16
      const size = value === 0 ? 0 : 32 - Math.clz32(Math.abs(value))
      bits(size, 5)
      if (size < 16) bits(value < 0 ? value + 2 ** size - 1 : value, size)
    },
    bytes(): Uint8Array {
      while (count > 0) bits(1, 1)
      return Uint8Array.from(bytes)
    },
  }
}
