import type { FullFrame, Samples } from "./samples.ts"

/** Samples as the file means them, before any look-up table of greys: palettes and YBR are RGB already. */
export interface DecodedFrame {
  readonly rows: number
  readonly columns: number
  /** Interleaved when 3. */
  readonly samples: 1 | 3
  readonly bitsStored: number
  readonly photometric: "MONOCHROME1" | "MONOCHROME2" | "RGB"
  readonly data: Samples
  /** Of what it is a lower resolution; absent for all that there is. */
  readonly of?: FullFrame
}

/** What a person should see: 8 bits a sample, MONOCHROME1 the right way up. */
export interface RenderedFrame {
  readonly rows: number
  readonly columns: number
  /** Interleaved when 3. */
  readonly samples: 1 | 3
  readonly data: Uint8Array
}
