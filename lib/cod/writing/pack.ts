import { dicomJson } from "../format/dicom/index.ts"
import { instanceUri, memberName, type SeriesPlace } from "../format/layout.ts"
import { newInstance } from "../format/metadata/instance-text.ts"
import type { InstanceRecord, StoredTags } from "../format/metadata/types.ts"
import { offsetTables } from "../format/offset-tables.ts"
import { type PlacedEntry, placeEntry } from "../format/tar/write.ts"
import type { Instance } from "../instance.ts"
import { copyView } from "../reading/copy-view.ts"
import { factsOf } from "../reading/facts.ts"
import type { Scratch } from "../reading/scratch.ts"
import type { ByteView } from "../view.ts"
import { bytesPiece, filePiece, type Piece } from "./pieces.ts"

/** An instance that is to become a member of the tar. */
export interface Packed {
  /** What the metadata will say of it, if it comes to lie where it was placed. */
  readonly record: InstanceRecord
  readonly data: Piece
}

/** Where it is to go. */
export interface Destination {
  readonly place: SeriesPlace
  readonly key: string
  /** Of its headers in the tar. */
  readonly position: number
  readonly now: Date
}

/** Up to here a file is held in memory, as long as there is room for it. */
const SMALL_BYTES = 1 << 20

/** What all files that are held in memory may have together. */
const MEMORY_BYTES = 64 << 20

/** Keeps the bytes of new instances until they are uploaded: small ones in memory, the others in temporary files. */
export interface Holding {
  hold(view: ByteView, bytes: Uint8Array, crc32c: string, signal?: AbortSignal): Promise<Piece>
  /** Those that were held are uploaded. */
  clear(): void
}

export function openHolding(scratch: Scratch): Holding {
  const paths: string[] = []
  let inMemory = 0
  return {
    async hold(view, bytes, crc32c, signal) {
      if (bytes.length <= SMALL_BYTES && inMemory + bytes.length <= MEMORY_BYTES) {
        inMemory += bytes.length
        return bytesPiece(bytes, crc32c)
      }
      const path = scratch.newFile("instance.dcm")
      paths.push(path)
      scratch.reserve(path, view.size)
      await copyView(view, path, signal)
      return filePiece(path, view.size, crc32c)
    },
    clear() {
      for (const path of paths.splice(0)) scratch.remove(path)
      inMemory = 0
    },
  }
}

/**
 * Reads a file once, verifies what was said of it, and makes of it what a series keeps: its bytes as they are, its
 * tags, and where its frames are.
 * @throws HintMismatchError, InvalidDicom, InstanceValidationError, NotFound, StorageError, TooLarge
 */
export async function packInstance(
  instance: Instance,
  { place, key, position, now }: Destination,
  holding: Holding,
  signal?: AbortSignal,
): Promise<Packed> {
  await using view = await instance.open(signal)
  const bytes = await view.bytes(signal)
  const { file, facts } = factsOf(bytes, instance.hints, instance.originalPath)
  const uri = instanceUri(place, key)
  const tags = dicomJson(file, { uri }) as StoredTags
  const { member } = entryOf(key, facts.size, position, now)
  const record = newInstance({
    key,
    ...facts,
    tags: withUids(tags, facts),
    hasPixeldata: "7FE00010" in tags,
    uri,
    startByte: member.start,
    endByte: member.start + facts.size,
    offsetTables: offsetTables(file),
    originalPath: instance.originalPath,
    dependencies: instance.dependencies,
    diffHashDupePaths: [],
    modifiedDatetime: isoTime(now),
  })
  return { record, data: await holding.hold(view, bytes, facts.crc32c, signal) }
}

/** The tar's headers for an instance. */
export function entryOf(key: string, size: number, position: number, now: Date): PlacedEntry {
  return placeEntry({ name: memberName(key), size, mtime: now.getTime() / 1000 }, position)
}

/** As the metadata has times: ISO 8601 without a zone, to the microsecond; ours are UTC. */
export function isoTime(now: Date): string {
  return `${now.toISOString().slice(0, -1)}000`
}

/** UIDs that are no valid ones are no tags of the DICOM JSON, but a series cannot do without these three. */
function withUids(
  tags: StoredTags,
  { instanceUid, seriesUid, studyUid }: { instanceUid: string; seriesUid: string; studyUid: string },
): StoredTags {
  const uids = { "0020000D": studyUid, "0020000E": seriesUid, "00080018": instanceUid }
  const missing = Object.entries(uids).filter(([tag]) => tags[tag] === undefined)
  if (missing.length === 0) return tags
  return { ...tags, ...Object.fromEntries(missing.map(([tag, uid]) => [tag, { vr: "UI", Value: [uid] }])) }
}
