import { zstdDecompressSync } from "node:zlib"
import { InvalidCompression, TooLarge } from "./errors.ts"
import { isBufferTooLarge } from "./gzip.ts"
import { contentSizeOf } from "./zstd-frame.ts"

/** What compresses and decompresses. All of them give the same answers; frames may differ in bytes. */
export interface Zstd {
  /** With its version, for people. */
  readonly name: string
  /** One frame with its content size, without checksum. */
  compress(bytes: Uint8Array, level?: number): Uint8Array
  /**
   * What exactly one frame holds. Nothing is allocated before the frame has said how much that is, or else no more
   * than `maxBytes`.
   *
   * @throws InvalidCompression for anything but one whole frame, TooLarge beyond `maxBytes`
   */
  decompress(frame: Uint8Array, maxBytes: number): Uint8Array
}

/** Level that the format's writers use. */
const LEVEL = 3

/** Bun's own: always there. */
export const bunZstd: Zstd = {
  name: `Bun ${Bun.version}`,
  compress: (bytes, level = LEVEL) => Bun.zstdCompressSync(bytes, { level }),
  decompress: (frame, maxBytes) => bounded(frame, maxBytes, (bytes) => Bun.zstdDecompressSync(bytes)),
}

/** The native addon; undefined where it was not built or does not fit this machine. */
export const nativeZstd: Zstd | undefined = await loadNative()

const inUse = nativeZstd ?? bunZstd

/** One zstd frame (RFC 8878) with its content size, as version 2.0 of an instance's metadata holds it. */
export const compress = inUse.compress

/**
 * What one zstd frame holds.
 *
 * @throws InvalidCompression for anything but one whole frame, TooLarge beyond `maxBytes`
 */
export const decompress = inUse.decompress

/** Which software it is, with its version: "zstd-napi 0.0.13" or "Bun 1.4.5". */
export function zstdEngine(): string {
  return inUse.name
}

async function loadNative(): Promise<Zstd | undefined> {
  const loaded = await Promise.all([import("zstd-napi"), import("zstd-napi/package.json")]).catch(
    // It is compiled on the machine that wants it: without a compiler there is none, and none is needed.
    () => undefined,
  )
  if (loaded === undefined) return undefined
  const [zstd, manifest] = loaded
  return {
    name: `zstd-napi ${manifest.default.version}`,
    compress: (bytes, level = LEVEL) => zstd.compress(bytes, { compressionLevel: level }),
    decompress: (frame, maxBytes) => bounded(frame, maxBytes, (bytes) => zstd.decompress(bytes)),
  }
}

function bounded(frame: Uint8Array, maxBytes: number, engine: (frame: Uint8Array) => Uint8Array): Uint8Array {
  const contentSize = contentSizeOf(frame)
  if (contentSize !== undefined && contentSize > maxBytes) throw tooLarge(maxBytes)
  try {
    // Streaming writers leave the size out; only the streaming reader can then be held to a bound.
    return contentSize === undefined
      ? zstdDecompressSync(frame, { maxOutputLength: maxBytes })
      : engine(frame)
  } catch (cause) {
    if (isBufferTooLarge(cause)) throw tooLarge(maxBytes, cause)
    throw new InvalidCompression("a zstd frame cannot be decompressed", {
      facts: { bytes: frame.length },
      cause,
    })
  }
}

function tooLarge(maxBytes: number, cause?: unknown): TooLarge {
  return new TooLarge("bytes in a zstd frame", maxBytes, { cause })
}
