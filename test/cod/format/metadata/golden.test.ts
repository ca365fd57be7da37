import { describe, expect, test } from "bun:test"
import { gunzipSync } from "node:zlib"
import { stringifyJson } from "../../../../lib/cod/format/json.ts"
import { seriesKeys } from "../../../../lib/cod/format/layout.ts"
import { encodeSeriesMetadata, parseSeriesMetadata } from "../../../../lib/cod/format/metadata/series.ts"
import { inTagOrder, textOfStoredTags } from "../../../../lib/cod/format/metadata/tags.ts"
import type { InstanceRecord, SeriesMetadata } from "../../../../lib/cod/format/metadata/types.ts"
import { type GoldenCase, goldenCases } from "../../../support/golden.ts"

describe.each(goldenCases())("the series $name", (golden) => {
  const { expected } = golden
  const bytes = golden.bytes(seriesKeys(expected.study_uid, expected.series_uid).metadata)
  const series = parseSeriesMetadata(bytes)

  test("says of itself what the Python package says", () => {
    expect(series.studyUid).toBe(expected.study_uid)
    expect(series.seriesUid).toBe(expected.series_uid)
    expect(series.hashedUids).toBe(expected.hashed_uids)
    expect(series.unknown.size).toBe(0)
    expect(Object.fromEntries(series.fields)).toEqual(expected.metadata_fields)
    expect([...series.fields.keys()]).toEqual(Object.keys(expected.metadata_fields))
  })

  test("says of each instance what the Python package says", () => {
    expect([...series.instances.keys()].toSorted()).toEqual(Object.keys(expected.instances).toSorted())
    for (const record of records(series)) {
      const want = expected.instances[record.key]!
      expect(record.instanceUid).toBe(want.instance_uid)
      expect(record.seriesUid).toBe(want.series_uid)
      expect(record.studyUid).toBe(want.study_uid)
      expect(record.hasPixeldata).toBe(want.has_pixeldata)
      expect(record.size).toBe(want.size)
      expect(record.crc32c).toBe(want.crc32c)
      expect(record.startByte).toBe(want.start_byte)
      expect(record.endByte).toBe(want.start_byte + want.size)
      expect(record.offsetTables).toEqual(want.offset_tables)
      expect(record.originalPath).toBe(want.original_path)
      expect(record.dependencies).toEqual(want.dependencies)
      expect(record.diffHashDupePaths).toEqual(want.diff_hash_dupe_paths)
      expect(record.modifiedDatetime).toBe(want.modified_datetime)
      expect(record.unknown.size).toBe(0)
    }
  })

  test("holds each instance's tags", () => {
    for (const record of records(series)) {
      const tags = record.tags()
      const want = expected.instances[record.key]!
      expect(Object.keys(tags)).toHaveLength(want.metadata_tags)
      expect(tags["00020010"]?.Value ?? [want.transfer_syntax]).toEqual([want.transfer_syntax])
      expect(tags["00080018"]?.Value).toEqual([want.instance_uid])
      expect("7FE00010" in tags).toBe(want.has_pixeldata)
    }
  })

  test("is written again as it was, byte for byte", () => {
    const version = records(series)[0]!.version
    expect(text(encodeSeriesMetadata(series, { version }))).toBe(text(bytes))
  })

  test("has tags that we would write as Python did, but for whole numbers that were 1.0 there", () => {
    for (const record of records(series).filter(({ version }) => version === "2.0")) {
      const stored = textOfStoredTags(JSON.parse(record.json).metadata, 2 ** 20).toString()
      expect(stringifyJson(inTagOrder(record.tags()))).toBe(stored.replace(/(?<=[[ ]-?\d+)\.0(?=[,\]])/g, ""))
    }
  })

  test("is the same in the other version and back", () => {
    const there = parseSeriesMetadata(encodeSeriesMetadata(series, { version: "1.0" }))
    expect(contentOf(there)).toEqual(contentOf(series))
    const back = parseSeriesMetadata(encodeSeriesMetadata(there))
    expect(contentOf(back)).toEqual(contentOf(series))
    expect(versions(there)).toEqual(["1.0"])
    expect(versions(back)).toEqual(["2.0"])
    expect(text(encodeSeriesMetadata(back, { version: "1.0" }))).toBe(
      text(encodeSeriesMetadata(there, { version: "1.0" })),
    )
  })
})

test("there are golden series", () => {
  const names = goldenCases().map(({ name }: GoldenCase) => name)
  expect(names).toContain("v1-metadata")
  expect(names.length).toBeGreaterThan(15)
})

function records(series: SeriesMetadata): InstanceRecord[] {
  return Array.from(series.instances.values(), (entry) => {
    if (entry.kind === "unreadable") throw entry.problem
    return entry
  })
}

function versions(series: SeriesMetadata): string[] {
  return [...new Set(records(series).map(({ version }) => version))]
}

/** Everything but the version and the form that comes with it. */
function contentOf(series: SeriesMetadata) {
  return {
    ...series,
    instances: records(series).map(({ json: _json, version: _version, ...record }) => ({
      ...record,
      tags: stringifyJson(record.tags()),
    })),
  }
}

function text(bytes: Uint8Array): string {
  return gunzipSync(bytes).toString()
}
