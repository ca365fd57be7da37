import factory from "@cornerstonejs/codec-openjph"
import { wasmCodec } from "./wasm.ts"

/** High-throughput JPEG 2000: OpenJPH. */
export const decode = await wasmCodec(
  factory,
  "@cornerstonejs/codec-openjph/wasm",
  (module) => new module.HTJ2KDecoder(),
)
