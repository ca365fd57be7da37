/**
 * A process that decodes, one stream after another, because a codec can only be ended from outside: it goes when its
 * parent does. It has no credentials, opens no files but its own, and can be killed at any moment.
 */
import type { Codec, Decode, DecodeAnswer, DecodeRequest } from "./protocol.ts"

// A terminal's signals are for everybody. Whoever started this process goes on for a while, and ends it.
process.on("SIGINT", () => {})
process.on("SIGTERM", () => {})
process.on("disconnect", () => process.exit(0))
process.on("message", async (request: DecodeRequest) => {
  process.send?.(await answer(request))
})

async function answer({ codec, stream, memoryBytes, halvings = 0 }: DecodeRequest): Promise<DecodeAnswer> {
  try {
    boundMemory(memoryBytes)
    return { decoded: await (await decoder(codec))(stream, halvings) }
  } catch (thrown) {
    return { failure: describe(thrown) }
  }
}

// Modules of WebAssembly own their memories; all that can be said from outside is no.
const { grow } = WebAssembly.Memory.prototype

function boundMemory(memoryBytes: number): void {
  WebAssembly.Memory.prototype.grow = function bounded(pages) {
    if (this.buffer.byteLength + pages * PAGE_BYTES > memoryBytes) throw new RangeError("out of memory")
    return grow.call(this, pages)
  }
}

const PAGE_BYTES = 1 << 16

async function decoder(codec: Codec): Promise<Decode> {
  const { decode } = await LOADERS[codec]()
  return decode
}

const LOADERS: Readonly<Record<Codec, () => Promise<{ readonly decode: Decode }>>> = {
  jpeg: () => import("./jpeg.ts"),
  "jpeg-12-bit": () => import("./jpeg-12-bit.ts"),
  "jpeg-lossless": () => import("./jpeg-lossless.ts"),
  "jpeg-ls": () => import("./jpeg-ls.ts"),
  "jpeg-2000": () => import("./jpeg-2000.ts"),
  htj2k: () => import("./htj2k.ts"),
}

/** Codecs of C++ throw numbers. */
function describe(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message.slice(0, 200) : "the codec refuses it"
}
