// The packages bring no types.
declare module "@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs" {
  const factory: import("./wasm.ts").WasmFactory
  export default factory
}
declare module "@cornerstonejs/codec-charls/decodewasmjs" {
  const factory: import("./wasm.ts").WasmFactory
  export default factory
}
declare module "@cornerstonejs/codec-openjpeg/decodewasmjs" {
  const factory: import("./wasm.ts").WasmFactory
  export default factory
}
declare module "@cornerstonejs/codec-openjph" {
  const factory: import("./wasm.ts").WasmFactory
  export default factory
}
