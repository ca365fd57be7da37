import { CODError, TooLarge } from "../format/errors.ts"
import { instanceUri, memberName } from "../format/layout.ts"
import { parseEntry } from "../format/metadata/instance.ts"
import { changeInstance, changeTags, type InstanceChanges } from "../format/metadata/instance-text.ts"
import type { InstanceEntry, InstanceRecord } from "../format/metadata/types.ts"
import type { TarMember } from "../format/tar/member.ts"
import { factsOf, MAX_PARSED_BYTES } from "../reading/facts.ts"
import { frameTable } from "../reading/frame-place.ts"
import { bytesOfRange } from "../reading/object-bytes.ts"
import type { Series } from "../reading/series.ts"
import { recordOfFile } from "./pack.ts"

/** A file that lies in the tar of a series, under the name of an instance. */
export interface FoundMember {
  readonly key: string
  readonly member: TarMember
  /** Of the tar. */
  readonly generation: string
  /** What the metadata has under this key, when that is of no use as it is. */
  readonly entry?: InstanceEntry | undefined
}

/**
 * The record of an instance that only the tar tells of: its `originalPath` is the URI of the member itself. One at a time is
 * in memory. Of an entry that was under its key the paths of duplicates are kept, and when it names the CRC32C of these very
 * bytes, also where they came from.
 * @throws InvalidDicom, InstanceValidationError, TooLarge when it is no DICOM file, or none that can be an instance
 */
export async function recordOfMember(
  series: Series,
  { key, member: { start, size }, generation, entry }: FoundMember,
  now: Date,
  signal?: AbortSignal,
): Promise<InstanceRecord> {
  const record = await recordAt(series, { key, start, size, generation }, now, signal)
  return entry === undefined ? record : changeInstance(record, whatRemains(entry, record))
}

/**
 * The record with DICOM JSON and offset tables made anew from its file, when those that it has cannot be read. It stays
 * what it is when the file cannot be read either.
 */
export async function retold(
  series: Series,
  record: InstanceRecord,
  generation: string,
  now: Date,
  signal?: AbortSignal,
): Promise<InstanceRecord> {
  try {
    frameTable(record)
    return record
  } catch (error) {
    if (!(error instanceof CODError)) throw error
  }
  const { key, startByte: start, size } = record
  try {
    const found = await recordAt(series, { key, start, size, generation }, now, signal)
    return changeTags(changeInstance(record, { offsetTables: found.offsetTables }), found.tags())
  } catch (error) {
    if (error instanceof CODError) return record
    throw error
  }
}

/** What would be said of a file in the tar if it were new. */
async function recordAt(
  { place, tar }: Series,
  {
    key,
    start,
    size,
    generation,
  }: { readonly key: string; readonly start: number; readonly size: number; readonly generation: string },
  now: Date,
  signal?: AbortSignal,
): Promise<InstanceRecord> {
  if (size > MAX_PARSED_BYTES) throw new TooLarge(memberName(key), MAX_PARSED_BYTES)
  const { bytes } = await bytesOfRange(tar, { start, end: start + size }, generation, signal)
  const file = { originalPath: instanceUri(place, key), dependencies: [] }
  const record = recordOfFile(factsOf(bytes, {}, file.originalPath), file, {
    place,
    key,
    position: start,
    now,
  })
  return changeInstance(record, { startByte: start, endByte: start + size })
}

/** What an entry says that is true of these bytes, too. */
function whatRemains(entry: InstanceEntry, { crc32c }: InstanceRecord): InstanceChanges {
  if (entry.kind === "instance") return { diffHashDupePaths: entry.diffHashDupePaths }
  const {
    crc32c: meant,
    original_path: originalPath,
    dependencies,
    diff_hash_dupe_paths: diffHashDupePaths,
  } = valuesOf(entry.json)
  const isSame = meant === crc32c
  return {
    ...(isTexts(diffHashDupePaths) && { diffHashDupePaths }),
    ...(isSame && typeof originalPath === "string" && { originalPath }),
    ...(isSame && isTexts(dependencies) && { dependencies }),
  }
}

function valuesOf(json: string): Readonly<Record<string, unknown>> {
  try {
    return parseEntry(json)
  } catch (error) {
    if (error instanceof CODError) return {}
    throw error
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string")
}
