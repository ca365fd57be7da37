import { dicomJson } from "../format/dicom/index.ts"
import { instanceUri, memberName, type SeriesPlace } from "../format/layout.ts"
import { newInstance } from "../format/metadata/instance-text.ts"
import type { InstanceRecord, StoredTags } from "../format/metadata/types.ts"
import { offsetTables } from "../format/offset-tables.ts"
import { type PlacedEntry, placeEntry } from "../format/tar/write.ts"
import { verifyHints } from "../hints.ts"
import type { Instance } from "../instance.ts"
import type { WholeFile } from "../reading/facts.ts"
import { TRUSTING } from "./membership.ts"

/** An instance that is to become a member of the tar. */
export interface Packed {
  /** What the metadata will say of it, if it comes to lie where it was placed. */
  readonly record: InstanceRecord
  readonly bytes: Uint8Array
}

/** Where it is to go. */
export interface Destination {
  readonly place: SeriesPlace
  readonly key: string
  /** Of its headers in the tar. */
  readonly position: number
  readonly now: Date
}

/**
 * Reads a file, unless it was read, verifies what was said of it, and makes of it what a series keeps: its bytes as they are,
 * its tags, and where its frames are.
 * @throws HintMismatchError, InvalidDicom, InstanceValidationError, NotFound, StorageError, TooLarge
 */
export async function packInstance(
  instance: Instance,
  destination: Destination,
  read: WholeFile | undefined,
  signal?: AbortSignal,
): Promise<Packed> {
  // What it is called here was found out before: it has to be the same file still.
  const promised = await uidsOf(instance, signal)
  const whole = read ?? (await instance.readWhole(signal))
  verifyHints(promised, whole.facts, instance.originalPath)
  return { record: recordOfFile(whole, instance, destination), bytes: whole.bytes }
}

/**
 * What a series keeps of a DICOM file beside its bytes.
 * @throws InvalidMetadata, InvalidDicom
 */
export function recordOfFile(
  { file, facts }: Pick<WholeFile, "file" | "facts">,
  { originalPath, dependencies }: Pick<Instance, "originalPath" | "dependencies">,
  { place, key, position, now }: Destination,
): InstanceRecord {
  const uri = instanceUri(place, key)
  const tags = dicomJson(file, { uri }) as StoredTags
  const { member } = entryOf(key, facts.size, position, now)
  return newInstance({
    key,
    ...facts,
    tags: withUids(tags, facts),
    hasPixeldata: "7FE00010" in tags,
    uri,
    startByte: member.start,
    endByte: member.start + facts.size,
    offsetTables: offsetTables(file),
    originalPath,
    dependencies,
    diffHashDupePaths: [],
    modifiedDatetime: isoTime(now),
  })
}

async function uidsOf(instance: Instance, signal?: AbortSignal) {
  return {
    instanceUid: await instance.instanceUid(TRUSTING, signal),
    seriesUid: await instance.seriesUid(TRUSTING, signal),
    studyUid: await instance.studyUid(TRUSTING, signal),
  }
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
