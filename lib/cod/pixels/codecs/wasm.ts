import { fileURLToPath } from "node:url"
import type { DecodedStream } from "./protocol.ts"

/** A codec compiled by Emscripten: what its packages have in common. */
export interface WasmModule {
  readonly HEAPU8: Uint8Array
  readonly JPEGDecoder: new () => WasmDecoder
  readonly JpegLSDecoder: new () => WasmDecoder
  readonly J2KDecoder: new () => WasmDecoder
  readonly HTJ2KDecoder: new () => WasmDecoder
}

export type WasmFactory = (options: {
  readonly instantiateWasm: (
    imports: Bun.WebAssembly.Imports,
    receive: (instance: WebAssembly.Instance) => void,
  ) => object
  readonly print: () => void
  readonly printErr: () => void
}) => Promise<WasmModule>

export interface WasmDecoder {
  /** Room for so many bytes in the module's memory. */
  getEncodedBuffer(bytes: number): Uint8Array
  decode(): void
  /** JPEG 2000: with width and height halved so often, and so many layers of quality, 0 for all. */
  decodeSubResolution?(halvings: number, layers: number): void
  /** A view of the module's memory. */
  getDecodedBuffer(): Uint8Array
  getFrameInfo(): {
    readonly width: number
    readonly height: number
    readonly bitsPerSample: number
    readonly componentCount: number
    readonly isSigned?: boolean
  }
  /** JPEG-LS: 0 for planes. */
  getInterleaveMode?(): number
  delete(): void
}

/** A codec whose instance is kept while it does well: who stumbled over a stream may be left in any state. */
export async function wasmCodec(
  factory: WasmFactory,
  wasm: string,
  makeDecoder: (module: WasmModule) => WasmDecoder,
): Promise<
  (stream: Uint8Array, halvings?: number) => Promise<DecodedStream & { readonly isPlanar: boolean }>
> {
  const compiled = await WebAssembly.compile(await Bun.file(fileURLToPath(import.meta.resolve(wasm))).bytes())
  let kept: WasmModule | undefined
  return async (stream, halvings = 0) => {
    const module = kept ?? (await instantiate(factory, compiled))
    kept = undefined
    const decoder = makeDecoder(module)
    const decoded = decodeWith(decoder, stream, halvings)
    decoder.delete()
    // Memory of WebAssembly never shrinks.
    if (module.HEAPU8.length <= KEPT_BYTES) kept = module
    else setTimeout(() => Bun.gc(true))
    return decoded
  }
}

const KEPT_BYTES = 128 * 2 ** 20

function instantiate(factory: WasmFactory, compiled: WebAssembly.Module): Promise<WasmModule> {
  return new Promise((resolve, reject) => {
    const made = factory({
      instantiateWasm(imports, receive) {
        WebAssembly.instantiate(compiled, imports).then(receive, reject)
        return {}
      },
      print() {},
      printErr() {},
    })
    made.then(resolve, reject)
  })
}

function decodeWith(decoder: WasmDecoder, stream: Uint8Array, halvings: number) {
  decoder.getEncodedBuffer(stream.length).set(stream)
  if (halvings === 0) decoder.decode()
  else decoder.decodeSubResolution?.(halvings, 0)
  // Of all that there is.
  const { width, height, bitsPerSample, componentCount, isSigned = false } = decoder.getFrameInfo()
  return {
    rows: Math.ceil(height / 2 ** halvings),
    columns: Math.ceil(width / 2 ** halvings),
    components: componentCount,
    precision: bitsPerSample,
    signed: isSigned,
    bytes: decoder.getDecodedBuffer().slice(),
    isPlanar: componentCount > 1 && decoder.getInterleaveMode?.() === 0,
  }
}
