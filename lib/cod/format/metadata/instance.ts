import { CODError, InvalidMetadata } from "../errors.ts"
import { parseJson } from "../json.ts"
import type { OffsetTables } from "../offset-tables.ts"
import { isPathSegment } from "../uid.ts"
import {
  isBoolean,
  isByteCount,
  isByteCounts,
  isCrc32c,
  isObject,
  isText,
  isTexts,
  type JsonObject,
  need,
  needOrNull,
} from "./checks.ts"
import { readTags } from "./tags.ts"
import type { InstanceEntry, InstanceRecord, InstanceValues, MetadataVersion, StoredTags } from "./types.ts"

/** Keys of an entry in the order in which they are written; version 1.0 lacks the first four. */
export const ENTRY_KEYS: readonly string[] = [
  "instance_uid",
  "series_uid",
  "study_uid",
  "has_pixeldata",
  "metadata",
  "uri",
  "headers",
  "offset_tables",
  "crc32c",
  "size",
  "original_path",
  "dependencies",
  "diff_hash_dupe_paths",
  "version",
  "modified_datetime",
]

/** DICOM JSON whose stored text is shorter than this many characters is kept when it was read once. */
const SMALL = 1000

/**
 * What an entry in a series' metadata says. `json` is asked for its text at each need, so that nothing but what was
 * read out of it is held.
 */
export function understandInstance(key: string, json: () => string, maxTagsBytes: number): InstanceEntry {
  try {
    return readEntry(key, json, maxTagsBytes)
  } catch (cause) {
    if (!(cause instanceof CODError)) throw cause
    const message = `the metadata of an instance cannot be understood: ${cause.message}`
    const problem = new InvalidMetadata(message, { facts: { ...cause.facts, key }, cause })
    return { kind: "unreadable", key, problem, json: json() }
  }
}

/** The text of an entry as an object, `inOrder` when it will be written. @throws InvalidMetadata, InvalidJson */
export function parseEntry(json: string, { inOrder = false } = {}): JsonObject {
  const entry = parseJson(json, { inOrder })
  if (!isObject(entry)) throw new InvalidMetadata("it is no object")
  return entry
}

function readEntry(key: string, json: () => string, maxTagsBytes: number): InstanceRecord {
  if (!isPathSegment(key)) throw new InvalidMetadata("its key is not safe as one segment of a path")
  const entry = parseEntry(json())
  const version = versionOf(entry)
  return {
    kind: "instance",
    key,
    version,
    ...(version === "2.0" ? readIdentity(entry) : identityFromTags(entry)),
    ...readValues(entry),
    unknown: unknownOf(entry),
    get json() {
      return json()
    },
    clean: false,
    tags: tagsOf(json, maxTagsBytes),
  }
}

function versionOf({ version }: JsonObject): MetadataVersion {
  // The first series were written before there was a version.
  if (version === undefined || version === "1.0") return "1.0"
  if (version === "2.0") return version
  throw new InvalidMetadata("its version is unknown")
}

type Identity = Pick<InstanceValues, "instanceUid" | "seriesUid" | "studyUid" | "hasPixeldata">

function readIdentity(entry: JsonObject): Identity {
  need(entry, "metadata", (value): value is string | JsonObject => isText(value) || isObject(value))
  return {
    instanceUid: need(entry, "instance_uid", isText),
    seriesUid: need(entry, "series_uid", isText),
    studyUid: need(entry, "study_uid", isText),
    hasPixeldata: need(entry, "has_pixeldata", isBoolean),
  }
}

function identityFromTags(entry: JsonObject): Identity {
  const tags = need(entry, "metadata", isObject)
  return {
    instanceUid: uidOf(tags["00080018"]),
    seriesUid: uidOf(tags["0020000E"]),
    studyUid: uidOf(tags["0020000D"]),
    hasPixeldata: Object.hasOwn(tags, "7FE00010"),
  }
}

function uidOf(element: unknown): string | undefined {
  const values = isObject(element) ? element.Value : undefined
  const [uid]: readonly unknown[] = Array.isArray(values) ? values : []
  return isText(uid) ? uid : undefined
}

function readValues(entry: JsonObject): Omit<InstanceValues, keyof Identity> {
  const headers = need(entry, "headers", isObject)
  return {
    uri: need(entry, "uri", isText),
    startByte: need(headers, "start_byte", isByteCount),
    endByte: need(headers, "end_byte", isByteCount),
    size: need(entry, "size", isByteCount),
    crc32c: need(entry, "crc32c", isCrc32c),
    offsetTables: readOffsetTables(needOrNull(entry, "offset_tables", isObject, {})),
    originalPath: need(entry, "original_path", isText),
    dependencies: needOrNull(entry, "dependencies", isTexts, []),
    diffHashDupePaths: needOrNull(entry, "diff_hash_dupe_paths", isTexts, []),
    modifiedDatetime: needOrNull(entry, "modified_datetime", isText, undefined),
  }
}

function readOffsetTables(tables: JsonObject): OffsetTables {
  if (tables.CustomOffsetTable === undefined && tables.CustomOffsetTableLengths === undefined) return {}
  const CustomOffsetTable = need(tables, "CustomOffsetTable", isByteCounts)
  const CustomOffsetTableLengths = need(tables, "CustomOffsetTableLengths", isByteCounts)
  if (CustomOffsetTable.length === CustomOffsetTableLengths.length) {
    return { CustomOffsetTable, CustomOffsetTableLengths }
  }
  throw new InvalidMetadata("its offset tables are not of one length")
}

function tagsOf(json: () => string, maxBytes: number): () => StoredTags {
  let kept: StoredTags | undefined
  return () => {
    if (kept !== undefined) return kept
    const text = json()
    const stored = parseEntry(text).metadata
    const tags = readTags(stored, maxBytes)
    if ((isText(stored) ? stored : text).length < SMALL) kept = tags
    return tags
  }
}

function unknownOf(entry: JsonObject): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(entry).filter(([name]) => !ENTRY_KEYS.includes(name)))
}
