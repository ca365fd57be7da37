import { CODError, InvalidMetadata } from "../errors.ts"
import { keepOrder, keysInOrder, parseJson, stringifyJson } from "../json.ts"
import { isObject, isText, type JsonObject } from "./checks.ts"
import { ENTRY_KEYS, parseEntry, understandInstance } from "./instance.ts"
import { DEFAULT_LIMITS } from "./limits.ts"
import { inTagOrder, readTags, storeTags, textOfStoredTags } from "./tags.ts"
import type { InstanceEntry, InstanceRecord, InstanceValues, MetadataVersion, StoredTags } from "./types.ts"

/** An instance of ours: its real UIDs are known. */
export interface NewInstance extends InstanceValues {
  readonly key: string
  readonly instanceUid: string
  readonly seriesUid: string
  readonly studyUid: string
  readonly tags: StoredTags
}

/** What may change of an instance without its DICOM file. */
export type InstanceChanges = Partial<Omit<InstanceValues, UidKey | "hasPixeldata">>

const NO_TABLES = { CustomOffsetTable: undefined, CustomOffsetTableLengths: undefined }

type UidKey = "instanceUid" | "seriesUid" | "studyUid"

/**
 * The record of an instance that was not in the series, in version 2.0.
 *
 * @throws InvalidMetadata when a value is not what a reader would accept
 */
export function newInstance(instance: NewInstance, maxTagsBytes = DEFAULT_LIMITS.tagsBytes): InstanceRecord {
  const { instanceUid, seriesUid, studyUid, hasPixeldata, tags } = instance
  const entry = {
    instance_uid: instanceUid,
    series_uid: seriesUid,
    study_uid: studyUid,
    has_pixeldata: hasPixeldata,
    metadata: storeTags(tags),
    ...storedValues(instance, {}),
    version: "2.0",
  }
  return { ...understood(instance.key, inEntryOrder(entry), maxTagsBytes), clean: true }
}

/**
 * The record with other values; what else its entry holds stays as it is.
 *
 * @throws InvalidMetadata when a value is not what a reader would accept
 */
export function changeInstance(
  record: InstanceRecord,
  changes: InstanceChanges,
  maxTagsBytes = DEFAULT_LIMITS.tagsBytes,
): InstanceRecord {
  const entry = parseEntry(record.json, { inOrder: true })
  const changed = merged(entry, storedValues({ ...record, ...changes }, entry))
  return { ...understood(record.key, changed, maxTagsBytes), clean: record.clean }
}

/**
 * The record with other DICOM JSON, for tags that cannot be read; what else its entry holds stays as it is.
 *
 * @throws InvalidMetadata when a value is not what a reader would accept
 */
export function changeTags(
  record: InstanceRecord,
  tags: StoredTags,
  maxTagsBytes = DEFAULT_LIMITS.tagsBytes,
): InstanceRecord {
  const entry = parseEntry(record.json, { inOrder: true })
  const metadata = record.version === "2.0" ? storeTags(tags) : inTagOrder(tags)
  return understood(record.key, merged(entry, { metadata }), maxTagsBytes)
}

/**
 * An entry's text for a document of `version`. What needs no change is passed through as it stood. An instance that
 * cannot be told in `version` stays in its own: one whose tags cannot be read, or lack a UID.
 *
 * @throws InvalidMetadata for an entry that is no JSON
 */
export function instanceText(
  entry: InstanceEntry,
  version: MetadataVersion,
  maxTagsBytes = DEFAULT_LIMITS.tagsBytes,
): string {
  if (entry.kind === "unreadable") return cleanText(entry.key, entry.json)
  const told =
    (entry.version === version ? undefined : convert(entry, version)) ?? cleanEntry(entry, maxTagsBytes)
  return told === undefined ? entry.json : stringifyJson(told)
}

/** The entry in the other version; undefined when it cannot be told there. */
function convert(record: InstanceRecord, version: MetadataVersion): object | undefined {
  const tags = tagsOf(record)
  if (tags === undefined) return undefined
  const entry = parseEntry(record.json, { inOrder: true })
  const { instanceUid, seriesUid, studyUid, hasPixeldata } = record
  const hasUids = instanceUid !== undefined && seriesUid !== undefined && studyUid !== undefined
  if (version === "2.0" && !hasUids) return undefined
  const isNew = version === "2.0"
  const told = {
    ...storedValues(record, entry),
    instance_uid: isNew ? instanceUid : undefined,
    series_uid: isNew ? seriesUid : undefined,
    study_uid: isNew ? studyUid : undefined,
    has_pixeldata: isNew ? hasPixeldata : undefined,
    metadata: isNew ? storeTags(tags) : inTagOrder(tags),
    version,
  }
  return inEntryOrder(merged(entry, told))
}

function tagsOf(record: InstanceRecord): StoredTags | undefined {
  try {
    return record.tags()
  } catch (error) {
    if (error instanceof CODError) return undefined
    throw error
  }
}

/**
 * The entry without what we never write: NaN and infinities, also within its tags, and tables that are null, which web
 * readers take apart. Undefined when it holds nothing of the kind.
 */
function cleanEntry({ json, clean }: InstanceRecord, maxTagsBytes: number): object | undefined {
  if (clean) return undefined
  const entry = parseEntry(json, { inOrder: true })
  const metadata = isText(entry.metadata) ? cleanTags(entry.metadata, maxTagsBytes) : undefined
  if (metadata === undefined && entry.offset_tables !== null && isStrictJson(json)) return undefined
  return merged(entry, {
    offset_tables: entry.offset_tables ?? {},
    metadata: metadata ?? entry.metadata,
  })
}

/** Stored tags without NaN; undefined when they hold none, or cannot be read and so stay what they are. */
function cleanTags(stored: string, maxBytes: number): string | undefined {
  try {
    const text = textOfStoredTags(stored, maxBytes)
    // The words are mostly within strings, if they are there at all.
    const mayHoldNaN = text.includes("NaN") || text.includes("Infinity")
    if (!mayHoldNaN || isStrictJson(text.toString())) return undefined
    return storeTags(readTags(stored, maxBytes))
  } catch (error) {
    if (error instanceof CODError) return undefined
    throw error
  }
}

function cleanText(key: string, json: string): string {
  if (isStrictJson(json)) return json
  try {
    return stringifyJson(parseJson(json, { inOrder: true }))
  } catch (cause) {
    throw new InvalidMetadata("an instance's entry is no JSON and cannot be written", {
      facts: { key },
      cause,
    })
  }
}

function isStrictJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function storedValues(values: Omit<InstanceValues, UidKey>, { headers, offset_tables }: JsonObject) {
  return {
    uri: values.uri,
    headers: merged(headers, { start_byte: values.startByte, end_byte: values.endByte }),
    offset_tables: merged(offset_tables, { ...NO_TABLES, ...values.offsetTables }),
    crc32c: values.crc32c,
    size: values.size,
    original_path: values.originalPath,
    dependencies: values.dependencies,
    diff_hash_dupe_paths: values.diffHashDupePaths,
    modified_datetime: values.modifiedDatetime ?? null,
  }
}

/** What was there, in its order, with other values; nothing where there was no object. */
function merged(object: unknown, changes: object): JsonObject {
  if (!isObject(object)) return { ...changes }
  return keepOrder({ ...object, ...changes }, keysInOrder(object))
}

/** Our keys in their order, what we do not know behind them in its own. */
function inEntryOrder(entry: JsonObject): JsonObject {
  return keepOrder(entry, [...ENTRY_KEYS, ...keysInOrder(entry)])
}

function understood(key: string, entry: JsonObject, maxTagsBytes: number): InstanceRecord {
  const json = stringifyJson(entry)
  const read = understandInstance(key, () => json, maxTagsBytes)
  if (read.kind === "unreadable") throw read.problem
  return read
}
