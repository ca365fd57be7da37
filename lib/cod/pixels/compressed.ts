import type { Codec, DecodedStream } from "./codecs/protocol.ts"
import { type Decoding, decodeElsewhere } from "./decoder-processes.ts"
import type { PixelDescription } from "./description.ts"
import { jpeg2000Header } from "./jpeg-2000-header.ts"
import { type JpegHeader, jpegHeader, withoutTransform } from "./jpeg-header.ts"
import type { PixelLimits } from "./limits.ts"
import { integers, type RawFrame, type Samples } from "./samples.ts"

/** What is decoded how. By the stream itself: transfer syntaxes are often wrong, and a stream says what it is. */
interface Plan {
  readonly codec: Codec
  readonly stream: Uint8Array
  readonly rows: number
  readonly columns: number
  readonly components: number
  readonly precision: number
  /** Of what comes out. */
  readonly photometric: string
  /** How often the stream may be halved, and is to be. */
  readonly halvings: number
}

export interface CompressedOptions {
  readonly limits: PixelLimits
  /** Pixels on the long side that are enough. */
  readonly enough: number
}

/**
 * One frame of the JPEG families.
 *
 * @returns why not, for one that cannot be decoded
 */
export async function compressedFrame(
  stream: Uint8Array<ArrayBuffer>,
  description: PixelDescription,
  { limits, enough }: CompressedOptions,
  signal?: AbortSignal,
): Promise<RawFrame | string> {
  const plan = planOf(stream, description)
  if (typeof plan === "string") return plan
  const contradiction = contradictionOf(plan, description)
  if (contradiction !== undefined) return contradiction
  const halvings = Math.min(plan.halvings, halvingsTo(enough, description))
  if (halvings > 0) {
    const less = await decoding({ ...plan, halvings }, limits, signal)
    // What took too long, or too much, is not given more.
    if ("ended" in less) return whyEnded(less.ended, limits)
    const frame = frameOf(less, { ...plan, halvings }, description)
    // Tiles may be made of fewer resolutions than the header says.
    if (typeof frame !== "string") return frame
  }
  const whole = { ...plan, halvings: 0 }
  const answer = await decoding(whole, limits, signal)
  return "ended" in answer ? whyEnded(answer.ended, limits) : frameOf(answer, whole, description)
}

function halvingsTo(enough: number, { rows, columns }: PixelDescription): number {
  return Math.max(0, Math.floor(Math.log2(Math.max(rows, columns) / enough)))
}

function decoding(
  { codec, stream, halvings }: Plan,
  { memoryBytes, milliseconds }: PixelLimits,
  signal: AbortSignal | undefined,
): Promise<Decoding> {
  return decodeElsewhere({ codec, stream, memoryBytes, halvings }, { milliseconds }, signal)
}

function whyEnded(ended: "timeout" | "died", { milliseconds }: PixelLimits): string {
  return ended === "timeout" ? `its codec took longer than ${milliseconds} ms` : "its codec died"
}

function frameOf(
  answer: Exclude<Decoding, { readonly ended: unknown }>,
  plan: Plan,
  description: PixelDescription,
): RawFrame | string {
  return "failure" in answer ? answer.failure : rawFrameOf(answer.decoded, plan, description)
}

function planOf(stream: Uint8Array, description: PixelDescription): Plan | string {
  const jpeg = jpegHeader(stream)
  if (jpeg !== undefined) return jpegPlan(stream, jpeg, description)
  const header = jpeg2000Header(stream)
  if (header === undefined) return "it begins with no header of JPEG, JPEG-LS or JPEG 2000"
  if (!header.isUniform) return "its components are of different kinds"
  const photometric = header.hasColourTransform && header.components === 3 ? "RGB" : coloursOf(description)
  const codec = header.isHighThroughput ? "htj2k" : "jpeg-2000"
  const halvings = isSmooth(description, header) ? header.halvings : 0
  return { ...header, codec, stream, photometric, halvings }
}

/** Neighbours may be averaged: samples are neither places in a palette nor numbers whose sign the stream does not know. */
function isSmooth({ photometric, signed }: PixelDescription, stream: { readonly signed: boolean }): boolean {
  return photometric !== "PALETTE COLOR" && signed === stream.signed
}

function jpegPlan(stream: Uint8Array, header: JpegHeader, description: PixelDescription): Plan | string {
  const { process, precision, components, colours } = header
  const photometric = coloursOf(description)
  const whole = { ...header, stream, photometric, halvings: 0 }
  switch (process) {
    case 0xc3:
      return { ...whole, codec: "jpeg-lossless" }
    case 0xf7:
      return { ...whole, codec: "jpeg-ls" }
    case 0xc0:
    case 0xc1:
    case 0xc2: {
      if (precision > 8) return { ...whole, codec: "jpeg-12-bit" }
      // The codec makes RGB of what nobody says is RGB already.
      const isRgb = components === 3 && colours === undefined && photometric === "RGB"
      const left = isRgb ? withoutTransform(stream) : stream
      return { ...whole, codec: "jpeg", stream: left, photometric: components === 3 ? "RGB" : photometric }
    }
    default:
      return `JPEG of the process ${process.toString(16).toUpperCase()}`
  }
}

/** Compressed components are whole: what shares colours is written out by the codec, and it undoes RCT and ICT. */
function coloursOf({ photometric }: PixelDescription): string {
  if (photometric === "YBR_RCT" || photometric === "YBR_ICT") return "RGB"
  return photometric === "YBR_FULL_422" ? "YBR_FULL" : photometric
}

function contradictionOf(plan: Plan, description: PixelDescription): string | undefined {
  const { rows, columns, samples, bitsAllocated, kind } = description
  if (plan.rows !== rows || plan.columns !== columns) {
    return `it has ${plan.rows} x ${plan.columns} pixels instead of ${rows} x ${columns}`
  }
  if (plan.components !== samples) return `it has ${plan.components} components instead of ${samples}`
  if (plan.precision > Math.min(bitsAllocated, MOST_BITS) || kind !== "integer") {
    return `it has ${plan.precision} bits a sample, where ${bitsAllocated} are allocated`
  }
  return undefined
}

const MOST_BITS = 16

function rawFrameOf(decoded: DecodedStream, plan: Plan, description: PixelDescription): RawFrame | string {
  const { samples, bitsStored } = description
  const { halvings, photometric } = plan
  const rows = Math.ceil(description.rows / 2 ** halvings)
  const columns = Math.ceil(description.columns / 2 ** halvings)
  const width = decoded.precision > 8 ? 2 : 1
  const isWhole =
    decoded.bytes.length === rows * columns * samples * width && decoded.precision === plan.precision
  if (!isWhole) return "its codec hands out something else than it announces"
  const frame = { rows, columns, samples, bitsStored, photometric, data: samplesOf(decoded, description) }
  if (halvings === 0) return frame
  return { ...frame, of: { rows: description.rows, columns: description.columns, halvings } }
}

/** In the container that the description allocates; signed where the description says so, not the stream. */
function samplesOf(decoded: DecodedStream, description: PixelDescription): Samples {
  const { signed, bitsAllocated, bitsStored } = description
  const stored = asIntegers(decoded.bytes, decoded.precision > 8, decoded.signed)
  if (signed === decoded.signed && bitsAllocated === 8 * stored.BYTES_PER_ELEMENT) return stored
  const data = integers(bitsAllocated, signed, stored.length)
  data.set(stored)
  if (signed === decoded.signed) return data
  const bits = Math.min(decoded.precision, bitsStored)
  const spare = 32 - bits
  if (signed) for (let i = 0; i < data.length; i += 1) data[i] = (data[i]! << spare) >> spare
  else for (let i = 0; i < data.length; i += 1) data[i] = data[i]! & (2 ** decoded.precision - 1)
  return data
}

function asIntegers(bytes: Uint8Array, areWords: boolean, signed: boolean) {
  if (!areWords) {
    // Some codecs hand out another kind of array.
    const place = [bytes.buffer, bytes.byteOffset, bytes.length] as const
    return signed ? new Int8Array(...place) : new Uint8Array(...place)
  }
  // Views of words need an even place in their buffer.
  const { buffer, byteOffset, length } = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes)
  return signed
    ? new Int16Array(buffer, byteOffset, length / 2)
    : new Uint16Array(buffer, byteOffset, length / 2)
}
