import { NotFound, PreconditionFailed } from "../../storage/errors.ts"
import { crc32cBase64 } from "../../support/checksums.ts"
import { TooLarge } from "../errors.ts"
import type { RandomAccess } from "../format/bytes.ts"
import type { InstanceRecord } from "../format/metadata/types.ts"
import type { LoadedMetadata } from "../metadata-cache.ts"
import { MAX_PARSED_BYTES } from "./facts.ts"
import { type FileFrames, framesOfFile, requireFrame } from "./file-frames.ts"
import { type FramePlace, frameIn } from "./frame-place.ts"
import { frameTables } from "./frame-tables.ts"
import type { CheckedInstance } from "./instance-bytes.ts"
import { bytesOfRange } from "./object-bytes.ts"
import { recordOf, type Series } from "./series.ts"
import { sharedWork } from "./shared-work.ts"
import type { Trust } from "./trust.ts"

/** Reads single frames, from frame 1. @throws FrameNotFoundError, FramesNotSeparableError, TooLarge */
export interface FrameReader {
  /** Of an instance where the series has it. */
  stored(key: string, frame: number, signal?: AbortSignal): Promise<Uint8Array>
  /** Of a copy of the instance that is at hand. */
  copied(record: InstanceRecord, copy: RandomAccess, frame: number, signal?: AbortSignal): Promise<Uint8Array>
}

/**
 * Reads a frame by itself where its place and the tar are known, else the whole instance, which then tells both.
 * @param readWhole a checked instance
 */
export function frameReader(
  series: Series,
  trust: Trust,
  readWhole: (key: string, signal?: AbortSignal) => Promise<CheckedInstance>,
): FrameReader {
  const tables = frameTables(trust)
  // Whoever shows an instance asks for many of its frames at once: they share one read of the file.
  const reads = sharedWork<FileFrames>()
  const uriOf = (key: string) => `${series.uri}#${key}`

  const framesIn = async (record: InstanceRecord, file: RandomAccess, signal?: AbortSignal) => {
    if (file.size > MAX_PARSED_BYTES) throw new TooLarge(uriOf(record.key), MAX_PARSED_BYTES)
    const bytes = await file.read(0, file.size, signal)
    const frames = framesOfFile(bytes, uriOf(record.key))
    // A copy may have been changed where it is.
    const isWhatItWas = frames.places !== undefined && crc32cBase64(bytes) === record.crc32c
    if (isWhatItWas) tables.learn(record, frames.places)
    return frames
  }

  const storedFrames = async (key: string, signal: AbortSignal) => {
    using instance = await readWhole(key, signal)
    return await framesIn(instance.record, instance.bytes, signal)
  }

  return {
    async stored(key, frame, signal) {
      const loaded = await series.metadata(signal)
      const record = recordOf(series, loaded, key)
      const table = tables.of(loaded, record)
      requireFrame(uriOf(key), frame, table.frames)
      const place = table.place(frame)
      const found = place && (await fromTar(series, trust, { loaded, record, place }, signal))
      if (found !== undefined) return found
      const name = `${loaded.generation} ${key}`
      return (await reads.join(name, (shared) => storedFrames(key, shared), signal)).bytes(frame)
    },

    async copied(record, copy, frame, signal) {
      const table = tables.ofFile(record)
      if (table !== undefined && copy.size === record.size) {
        requireFrame(uriOf(record.key), frame, table.frames)
        const place = table.place(frame)!
        const found = frameIn(await copy.read(place.start, place.end, signal), place)
        if (found !== undefined) return found
      }
      return (await framesIn(record, copy, signal)).bytes(frame)
    },
  }
}

interface Located {
  readonly loaded: LoadedMetadata
  readonly record: InstanceRecord
  readonly place: FramePlace
}

/** @returns undefined when no tar is trusted, or it is gone, or something else stands there than should */
async function fromTar(
  series: Series,
  trust: Trust,
  { loaded, record, place }: Located,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  const tar = await trust.tarFor(loaded, record.key, signal)
  if (tar === undefined) return undefined
  const range = { start: record.startByte + place.start, end: record.startByte + place.end }
  try {
    const { bytes, info } = await bytesOfRange(series.tar, range, tar, signal)
    series.metrics.got(info.storageClass)
    return frameIn(bytes, place)
  } catch (error) {
    if (!(error instanceof PreconditionFailed || error instanceof NotFound)) throw error
    trust.withdraw()
    return undefined
  }
}
