import factory from "@cornerstonejs/codec-openjpeg/decodewasmjs"
import { wasmCodec } from "./wasm.ts"

/** JPEG 2000: OpenJPEG. */
export const decode = await wasmCodec(
  factory,
  "@cornerstonejs/codec-openjpeg/decodewasm",
  (module) => new module.J2KDecoder(),
)
