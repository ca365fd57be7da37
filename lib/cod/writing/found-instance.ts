import { CODError, TooLarge } from "../format/errors.ts"
import { instanceUri } from "../format/layout.ts"
import { parseEntry } from "../format/metadata/instance.ts"
import { changeInstance, type InstanceChanges } from "../format/metadata/instance-text.ts"
import type { InstanceEntry, InstanceRecord } from "../format/metadata/types.ts"
import type { TarMember } from "../format/tar/member.ts"
import { MAX_PARSED_BYTES } from "../reading/facts.ts"
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
  { place, tar }: Series,
  { key, member, generation, entry }: FoundMember,
  now: Date,
  signal?: AbortSignal,
): Promise<InstanceRecord> {
  const range = { start: member.start, end: member.start + member.size }
  if (member.size > MAX_PARSED_BYTES) throw new TooLarge(member.name, MAX_PARSED_BYTES)
  const { bytes } = await bytesOfRange(tar, range, generation, signal)
  const file = { originalPath: instanceUri(place, key), dependencies: [] }
  const record = recordOfFile(bytes, {}, file, { place, key, position: member.headerStart, now })
  const origin = entry === undefined ? {} : whatRemains(entry, record)
  return changeInstance(record, { ...origin, startByte: range.start, endByte: range.end })
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
