import factory from "@cornerstonejs/codec-charls/decodewasmjs"
import { interleaved } from "../samples.ts"
import type { DecodedStream } from "./protocol.ts"
import { wasmCodec } from "./wasm.ts"

const charls = await wasmCodec(
  factory,
  "@cornerstonejs/codec-charls/decodewasm",
  (module) => new module.JpegLSDecoder(),
)

/** JPEG-LS: CharLS, which hands out planes where the stream has them. */
export async function decode(stream: Uint8Array): Promise<DecodedStream> {
  const { isPlanar, ...decoded } = await charls(stream)
  if (!isPlanar) return decoded
  const { bytes, precision } = decoded
  return { ...decoded, bytes: precision > 8 ? interleavedWords(bytes) : interleaved(bytes) }
}

function interleavedWords({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(interleaved(new Uint16Array(buffer, byteOffset, length / 2)).buffer)
}
