/** What is sent to a decoder process and what comes back. */

export type Codec = "jpeg" | "jpeg-12-bit" | "jpeg-lossless" | "jpeg-ls" | "jpeg-2000" | "htj2k"

export interface DecodeRequest {
  readonly codec: Codec
  readonly stream: Uint8Array
  /** Bytes that its memory may grow to. */
  readonly memoryBytes: number
  /** How often rows and columns are to be halved (0), by a codec that can; rounded up. */
  readonly halvings?: number
}

/** Samples of 8 bits, or of 16 in the machine's byte order, as the codestream has them. */
export interface DecodedStream {
  readonly rows: number
  readonly columns: number
  readonly components: number
  /** Of a sample, at most 16. */
  readonly precision: number
  readonly signed: boolean
  /** Interleaved. */
  readonly bytes: Uint8Array
}

export type DecodeAnswer = { readonly decoded: DecodedStream } | { readonly failure: string }

/** @throws anything */
export type Decode = (stream: Uint8Array, halvings: number) => DecodedStream | Promise<DecodedStream>
