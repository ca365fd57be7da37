import { Decoder } from "jpeg-lossless-decoder-js"
import { jpegHeader } from "../jpeg-header.ts"
import type { DecodedStream } from "./protocol.ts"

/** JPEG lossless, any predictor. */
export function decode(stream: Uint8Array): DecodedStream {
  const header = jpegHeader(stream)
  if (header === undefined) throw new TypeError("no JPEG")
  const { rows, columns, components, precision } = header
  const copy = new Uint8Array(stream)
  const data = new Decoder().decode(copy.buffer, 0, copy.length, precision > 8 ? 2 : 1)
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return { rows, columns, components, precision, signed: false, bytes }
}
