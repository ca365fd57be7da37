import { writeFileSync } from "node:fs"
import { Instance, type InstanceOptions } from "../../../lib/cod/index.ts"
import { crc32cBase64 } from "../../../lib/support/checksums.ts"
import { dicomFile, explicit, uint16 } from "../format/dicom/build.ts"

export const STUDY = "1.2.826.0.1.3680043.8.498.10"
export const SERIES = "1.2.826.0.1.3680043.8.498.20"

/** The UID of the nth instance. */
export const uid = (n: number) => `1.2.826.0.1.3680043.8.498.30.${n}`

/** What a test file is made of; what is left out is as in all others. */
export interface FileParts {
  readonly instance?: string
  readonly study?: string
  readonly series?: string
  /** Bytes of its pixels, one frame of them unless `frames`; undefined for a file without. */
  readonly pixels?: Uint8Array | undefined
  readonly frames?: number
  /** An element by which two files differ that are alike otherwise. */
  readonly comment?: string
  readonly preamble?: Uint8Array
}

/** A DICOM file whose pixels are told from those of any other by its UID. */
export function dicom(parts: FileParts = {}): Buffer {
  const { instance = uid(1), study = STUDY, series = SERIES, comment, frames = 1, preamble } = parts
  const pixels = "pixels" in parts ? parts.pixels : noise(300, Bun.hash.crc32(instance))
  const columns = (pixels?.length ?? 0) >= 1 << 16 ? 1024 : 1
  const number = (tag: number, value: number) => explicit(tag, "US", uint16(value))
  const shape =
    pixels === undefined
      ? []
      : [
          number(0x00280002, 1),
          explicit(0x00280008, "IS", even(String(frames), " ")),
          number(0x00280010, pixels.length / frames / columns),
          number(0x00280011, columns),
          number(0x00280100, 8),
          explicit(0x7fe00010, "OB", even(Buffer.from(pixels).toString("latin1"))),
        ]
  const file = dicomFile([
    explicit(0x00080018, "UI", even(instance)),
    explicit(0x0020000d, "UI", even(study)),
    explicit(0x0020000e, "UI", even(series)),
    ...(comment === undefined ? [] : [explicit(0x00204000, "LT", even(comment, " "))]),
    ...shape,
  ])
  if (preamble !== undefined) file.set(preamble)
  return file
}

/** The nth instance of the series, of so many bytes of pixels. */
export const nth = (n: number, bytes = 300): Buffer => dicom({ instance: uid(n), pixels: noise(bytes, n) })

/** Bytes that look like none others. */
export function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = (seed * 2_654_435_761 + 1) >>> 0
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

function even(text: string, filler = "\0"): string {
  return text.length % 2 === 0 ? text : text + filler
}

/** Instances of files that are written into a folder. */
export interface SourceFiles {
  /** An instance of a file that has these bytes. */
  of(bytes: Uint8Array, options?: Partial<InstanceOptions>): Instance
  nth(n: number, bytes?: number): Instance
}

export function sourceFiles(folder: string): SourceFiles {
  let count = 0
  const of: SourceFiles["of"] = (bytes, options) => {
    const path = `${folder}/${count++}.dcm`
    writeFileSync(path, bytes)
    return new Instance({ dicomUri: path, ...options })
  }
  return { of, nth: (n, bytes) => of(nth(n, bytes)) }
}

/** All that can be said of a file beforehand. */
export function hintsOf(bytes: Uint8Array, n: number) {
  return {
    size: bytes.length,
    crc32c: crc32cBase64(bytes),
    instanceUid: uid(n),
    seriesUid: SERIES,
    studyUid: STUDY,
  }
}
