import { NotFound, PreconditionFailed } from "../../storage/errors.ts"
import { FrameNotFoundError, TooLarge } from "../errors.ts"
import type { RandomAccess } from "../format/bytes.ts"
import type { InstanceRecord } from "../format/metadata/types.ts"
import type { LoadedMetadata } from "../metadata-cache.ts"
import { MAX_PARSED_BYTES } from "./facts.ts"
import { type FileFrames, framesOfFile } from "./file-frames.ts"
import { type FramePlace, frameTable } from "./frame-place.ts"
import type { CheckedInstance } from "./instance-bytes.ts"
import { lru } from "./lru.ts"
import { bytesOfRange } from "./object-bytes.ts"
import { recordOf, type Series } from "./series.ts"
import { sharedWork } from "./shared-work.ts"
import type { Trust } from "./trust.ts"

/** One frame of an instance, from frame 1. */
export type ReadFrame = (key: string, frame: number, signal?: AbortSignal) => Promise<Uint8Array>

/** Instances whose frames are remembered, when metadata does not tell where they are. */
const KNOWN_FILES = 64

/**
 * Reads a frame by itself where its place and the tar are known, else the whole instance, which then tells both.
 * @param readWhole a checked instance
 */
export function frameReader(
  series: Series,
  trust: Trust,
  readWhole: (key: string, signal?: AbortSignal) => Promise<CheckedInstance>,
): ReadFrame {
  const known = lru<readonly FramePlace[]>(KNOWN_FILES)
  const fromFile = fileReader(series, readWhole, (record, places) => known.set(contentOf(record), places))

  const placeOf = (loaded: LoadedMetadata, record: InstanceRecord, frame: number) => {
    const table = frameTable(record, trust.record(loaded)?.offset_tables)
    requireFrame(`${series.uri}#${record.key}`, frame, table.frames)
    return known.get(contentOf(record))?.[frame - 1] ?? table.place(frame)
  }

  return async (key, frame, signal) => {
    const loaded = await series.metadata(signal)
    const record = recordOf(series, loaded, key)
    const place = placeOf(loaded, record, frame)
    const tar = place && (await trust.tarFor(loaded, key, signal))
    if (place === undefined || tar === undefined) return await fromFile(loaded, key, frame, signal)
    const found = await fromTar(series, trust, { record, place, tar }, signal)
    return found ?? (await fromFile(loaded, key, frame, signal))
  }
}

interface Located {
  readonly record: InstanceRecord
  readonly place: FramePlace
  readonly tar: string
}

/** @returns undefined when that tar is gone, or something else stands there than should */
async function fromTar(
  series: Series,
  trust: Trust,
  { record, place, tar }: Located,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
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

/** Whoever shows an instance asks for many of its frames at once: they share one read of the file. */
function fileReader(
  series: Series,
  readWhole: (key: string, signal?: AbortSignal) => Promise<CheckedInstance>,
  learn: (record: InstanceRecord, places: readonly FramePlace[]) => void,
) {
  const reads = sharedWork<FileFrames>()

  const framesOf = async (key: string, signal: AbortSignal) => {
    using instance = await readWhole(key, signal)
    const frames = await framesOfBytes(instance.bytes, `${series.uri}#${key}`, signal)
    if (frames.places !== undefined) learn(instance.record, frames.places)
    return frames
  }

  return async ({ generation }: LoadedMetadata, key: string, frame: number, signal?: AbortSignal) => {
    const frames = await reads.join(`${generation} ${key}`, (shared) => framesOf(key, shared), signal)
    return frameOf(frames, `${series.uri}#${key}`, frame)
  }
}

/** One frame, from 1, of a DICOM file that is at hand. @throws FrameNotFoundError, FramesNotSeparableError, TooLarge */
export async function frameOfBytes(
  bytes: RandomAccess,
  uri: string,
  frame: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  return frameOf(await framesOfBytes(bytes, uri, signal), uri, frame)
}

async function framesOfBytes(bytes: RandomAccess, uri: string, signal?: AbortSignal): Promise<FileFrames> {
  if (bytes.size > MAX_PARSED_BYTES) throw new TooLarge(uri, MAX_PARSED_BYTES)
  return framesOfFile(await bytes.read(0, bytes.size, signal), uri)
}

function frameOf(frames: FileFrames, uri: string, frame: number): Uint8Array {
  requireFrame(uri, frame, frames.count)
  return frames.bytes(frame)
}

/** The same bytes have their frames at the same places, wherever they are stored. */
function contentOf({ size, crc32c }: InstanceRecord): string {
  return `${size} ${crc32c}`
}

function requireFrame(uri: string, frame: number, frames: number): void {
  if (Number.isInteger(frame) && frame >= 1 && frame <= frames) return
  throw new FrameNotFoundError(uri, frame, frames)
}
