import factory from "@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs"
import { wasmCodec } from "./wasm.ts"

/** JPEG of 8 bits by cosines, baseline, extended and progressive: libjpeg-turbo. */
export const decode = await wasmCodec(
  factory,
  "@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasm",
  (module) => new module.JPEGDecoder(),
)
