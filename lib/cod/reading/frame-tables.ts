import type { Frames } from "../format/dicom/index.ts"
import type { InstanceRecord } from "../format/metadata/types.ts"
import type { LoadedMetadata } from "../metadata-cache.ts"
import { type FrameTable, frameTable, frameTableOf } from "./frame-place.ts"
import { lru } from "./lru.ts"
import type { Trust } from "./trust.ts"

/** Where frames of a series' instances lie. What was found out is remembered, within bounds. */
export interface FrameTables {
  /** By the file, if it was read before, else by the metadata. @throws InvalidMetadata */
  of(loaded: LoadedMetadata, record: InstanceRecord): FrameTable
  /** By the file alone. */
  ofFile(record: InstanceRecord): FrameTable | undefined
  /** What a file turned out to be. */
  learn(record: InstanceRecord, frames: Frames): void
}

/** Of all instances together; a frame takes some 50 bytes. */
const KNOWN_FRAMES = 500_000

export function frameTables(trust: Trust): FrameTables {
  const known = lru<FrameTable>(KNOWN_FRAMES, ({ frames }) => frames)
  const told = lru<FrameTable>(KNOWN_FRAMES, ({ frames }) => frames)

  const byMetadata = (loaded: LoadedMetadata, record: InstanceRecord): FrameTable => {
    const name = `${loaded.generation} ${record.key}`
    const remembered = told.get(name)
    if (remembered !== undefined) return remembered
    const table = frameTable(record, trust.record(loaded)?.offset_tables)
    told.set(name, table)
    return table
  }

  return {
    of: (loaded, record) => known.get(contentOf(record)) ?? byMetadata(loaded, record),
    ofFile: (record) => known.get(contentOf(record)),
    learn: (record, frames) => known.set(contentOf(record), frameTableOf(frames)),
  }
}

/** The same bytes have their frames at the same places, wherever they are stored. */
function contentOf({ size, crc32c }: InstanceRecord): string {
  return `${size} ${crc32c}`
}
