/** Samples of one frame, in the narrowest type that holds them. */
export type Samples =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array

/** A frame whose rows and columns were halved so often, rounded up, because so many pixels were enough. */
export interface FullFrame {
  readonly rows: number
  readonly columns: number
  readonly halvings: number
}

/** Samples of one frame as a decoder hands them out: interleaved, before palettes and colours. */
export interface RawFrame {
  readonly rows: number
  readonly columns: number
  readonly samples: 1 | 3
  readonly bitsStored: number
  /** Of these samples; a codec may have made RGB of something else. */
  readonly photometric: string
  readonly data: Samples
  /** Of what it is a lower resolution; absent for all that there is. */
  readonly of?: FullFrame
}

/** Room for integers of so many bits (8, 16 or 32). */
export function integers(bitsAllocated: number, signed: boolean, length: number) {
  if (bitsAllocated <= 8) return signed ? new Int8Array(length) : new Uint8Array(length)
  if (bitsAllocated === 16) return signed ? new Int16Array(length) : new Uint16Array(length)
  return signed ? new Int32Array(length) : new Uint32Array(length)
}

/** Three planes as samples side by side. */
export function interleaved<S extends Samples>(planes: S): S {
  const data = planes.slice() as S
  const plane = planes.length / 3
  for (let i = 0, at = 0; i < plane; i += 1) {
    data[at++] = planes[i]!
    data[at++] = planes[i + plane]!
    data[at++] = planes[i + 2 * plane]!
  }
  return data
}
