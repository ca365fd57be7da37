import { stringifyJson } from "../../../../lib/cod/format/json.ts"
import { storeTags } from "../../../../lib/cod/format/metadata/tags.ts"
import type { InstanceEntry, InstanceRecord } from "../../../../lib/cod/format/metadata/types.ts"

export const TAGS = {
  "00080018": { vr: "UI", Value: ["1.2.3.4"] },
  "0020000D": { vr: "UI", Value: ["1.2"] },
  "0020000E": { vr: "UI", Value: ["1.2.3"] },
  "00200013": { vr: "IS", Value: [7] },
  "7FE00010": { vr: "OW", BulkDataURI: { uri: "x", head: "AAAA" } },
}

const COMMON = {
  uri: "gs://b/p/studies/1.2/series/1.2.3.tar://instances/1.2.3.4.dcm",
  headers: { start_byte: 1536, end_byte: 1636 },
  offset_tables: {},
  crc32c: "4waSgw==",
  size: 100,
  original_path: "/in/a.dcm",
  dependencies: [],
  diff_hash_dupe_paths: [],
}

/** An entry of version 2.0 as it should be, with `changes`; a key that is `undefined` is left out. */
export function entry2(changes: object = {}): Record<string, unknown> {
  return {
    instance_uid: "1.2.3.4",
    series_uid: "1.2.3",
    study_uid: "1.2",
    has_pixeldata: true,
    metadata: storeTags(TAGS),
    ...COMMON,
    version: "2.0",
    modified_datetime: "2025-02-26T01:25:49.250660",
    ...changes,
  }
}

/** The same of version 1.0. */
export function entry1(changes: object = {}): Record<string, unknown> {
  return {
    metadata: TAGS,
    ...COMMON,
    version: "1.0",
    modified_datetime: "2025-02-26T01:25:49.250660",
    ...changes,
  }
}

/** Plain JSON of a series of these entries. */
export function documentText(instances: object, beside: object = {}): string {
  return stringifyJson({ study_uid: "1.2", series_uid: "1.2.3", cod: { instances }, ...beside })
}

/** @throws its problem when it could not be understood */
export function understood(entry: InstanceEntry | undefined): InstanceRecord {
  if (entry === undefined) throw new Error("there is no such instance")
  if (entry.kind === "unreadable") throw entry.problem
  return entry
}
