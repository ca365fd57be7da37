import { NotFound, PreconditionFailed } from "../../storage/errors.ts"
import { FrameNotFoundError, TooLarge } from "../errors.ts"
import { inMemory } from "../format/bytes.ts"
import type { InstanceRecord } from "../format/metadata/types.ts"
import type { LoadedMetadata } from "../metadata-cache.ts"
import { ByteView } from "../view.ts"
import { MAX_PARSED_BYTES } from "./facts.ts"
import { type FileFrames, framesOfFile } from "./file-frames.ts"
import { type FramePlace, frameTable } from "./frame-place.ts"
import { readInstance } from "./instance-bytes.ts"
import { lru } from "./lru.ts"
import { bytesOfRange } from "./object-bytes.ts"
import { recordOf, type Series } from "./series.ts"
import { sharedWork } from "./shared-work.ts"
import { trustIn } from "./trust.ts"

/** Reads instances and frames of one series. What it has found out stays with it. */
export interface SeriesReader {
  readonly series: Series
  /** A whole DICOM file, checked. */
  openInstance(key: string, signal?: AbortSignal): Promise<ByteView>
  /** One frame, from 1. */
  openFrame(key: string, frame: number, signal?: AbortSignal): Promise<ByteView>
}

/** Instances whose frames are remembered, when metadata does not tell where they are. */
const KNOWN_FILES = 64

export function openReader(series: Series): SeriesReader {
  const trust = trustIn(series)
  const known = lru<readonly FramePlace[]>(KNOWN_FILES)
  const wholes = sharedWork<FileFrames>()

  const checked = async (key: string, signal?: AbortSignal) => {
    const instance = await readInstance(series, key, signal)
    trust.proved(instance)
    return instance
  }

  const placeOf = (loaded: LoadedMetadata, record: InstanceRecord, frame: number) => {
    const table = frameTable(record, trust.record(loaded)?.offset_tables)
    requireFrame(series, record.key, frame, table.frames)
    return known.get(contentOf(record))?.[frame - 1] ?? table.place(frame)
  }

  const fromTar = async (
    loaded: LoadedMetadata,
    record: InstanceRecord,
    frame: number,
    signal?: AbortSignal,
  ) => {
    const place = placeOf(loaded, record, frame)
    const tar = place && (await trust.tarFor(loaded, record.key, signal))
    if (place === undefined || tar === undefined) return undefined
    const range = { start: record.startByte + place.start, end: record.startByte + place.end }
    try {
      const { bytes, info } = await bytesOfRange(series.tar, range, tar, signal)
      series.metrics.got(info.storageClass)
      return bytes.length === range.end - range.start ? place.unwrap(bytes) : undefined
    } catch (error) {
      if (!(error instanceof PreconditionFailed || error instanceof NotFound)) throw error
      trust.withdraw()
      return undefined
    }
  }

  // Whoever shows an instance asks for many of its frames at once, and nothing is known of them at first.
  const framesOf = (loaded: LoadedMetadata, key: string, signal?: AbortSignal) =>
    wholes.join(
      `${loaded.generation} ${key}`,
      async (shared) => {
        using instance = await checked(key, shared)
        const { bytes, record } = instance
        if (bytes.size > MAX_PARSED_BYTES) throw new TooLarge(`${series.uri}#${key}`, MAX_PARSED_BYTES)
        const frames = framesOfFile(await bytes.read(0, bytes.size, shared), `${series.uri}#${key}`)
        if (frames.places !== undefined) known.set(contentOf(record), frames.places)
        return frames
      },
      signal,
    )

  const fromInstance = async (loaded: LoadedMetadata, key: string, frame: number, signal?: AbortSignal) => {
    const frames = await framesOf(loaded, key, signal)
    requireFrame(series, key, frame, frames.count)
    return frames.bytes(frame)
  }

  return {
    series,
    async openInstance(key, signal) {
      const instance = await checked(key, signal)
      return new ByteView(instance.bytes, () => instance[Symbol.dispose]())
    },
    async openFrame(key, frame, signal) {
      const loaded = await series.metadata(signal)
      const record = recordOf(series, loaded, key)
      const bytes =
        (await fromTar(loaded, record, frame, signal)) ?? (await fromInstance(loaded, key, frame, signal))
      series.metrics.add("framesRead")
      series.metrics.add("bytesRead", bytes.length)
      return new ByteView(inMemory(bytes))
    },
  }
}

/** The same bytes have their frames at the same places, wherever they are stored. */
function contentOf({ size, crc32c }: InstanceRecord): string {
  return `${size} ${crc32c}`
}

function requireFrame(series: Series, key: string, frame: number, frames: number): void {
  if (Number.isInteger(frame) && frame >= 1 && frame <= frames) return
  throw new FrameNotFoundError(`${series.uri}#${key}`, frame, frames)
}
