import { describe, expect, test } from "bun:test"
import { gunzipSync } from "node:zlib"
import { InvalidMetadata, TooLarge } from "../../../../lib/cod/format/errors.ts"
import { changeInstance, newInstance } from "../../../../lib/cod/format/metadata/instance-text.ts"
import {
  DEFAULT_LIMITS,
  encodeSeriesMetadata,
  parseSeriesMetadata,
} from "../../../../lib/cod/format/metadata/series.ts"
import { storeTags } from "../../../../lib/cod/format/metadata/tags.ts"
import type { InstanceEntry } from "../../../../lib/cod/format/metadata/types.ts"
import { documentText, entry1, entry2, TAGS, understood } from "./documents.ts"

const read = (entry: unknown, key = "a"): InstanceEntry =>
  parseSeriesMetadata(Buffer.from(documentText({ [key]: entry, sound: entry2() }))).instances.get(key)!

describe("an instance that cannot be understood", () => {
  test.each([
    ["of an unknown version", entry2({ version: "3.0" })],
    ["whose version is a number", entry2({ version: 2 })],
    ["whose version is null", entry2({ version: null })],
    ["that is null", null],
    ["that is a list", []],
    ["that is text", "NaN"],
    ["that is empty", {}],
    ["without a UID", entry2({ study_uid: undefined })],
    ["whose has_pixeldata is text", entry2({ has_pixeldata: "true" })],
    ["without metadata", entry2({ metadata: undefined })],
    ["whose metadata is a number", entry2({ metadata: 5 })],
    ["whose inline metadata is text", entry1({ metadata: "x" })],
    ["without uri", entry1({ uri: undefined })],
    ["without headers", entry2({ headers: undefined })],
    ["whose headers are null", entry2({ headers: null })],
    ["that begins before the tar", entry2({ headers: { start_byte: -1, end_byte: 9 } })],
    ["that begins at half a byte", entry2({ headers: { start_byte: 0.5, end_byte: 9 } })],
    ["that begins beyond all tars", entry2({ headers: { start_byte: 2n ** 63n, end_byte: 9 } })],
    ["that does not say where it ends", entry2({ headers: { start_byte: 1 } })],
    ["whose offset tables are a list", entry2({ offset_tables: [] })],
    ["with half an offset table", entry2({ offset_tables: { CustomOffsetTable: [1] } })],
    [
      "with offset tables of two lengths",
      entry2({ offset_tables: { CustomOffsetTable: [1], CustomOffsetTableLengths: [] } }),
    ],
    [
      "with text in its offset table",
      entry2({ offset_tables: { CustomOffsetTable: ["1"], CustomOffsetTableLengths: [1] } }),
    ],
    ["whose checksum is hexadecimal", entry2({ crc32c: "b8469a47" })],
    ["whose checksum lacks its padding", entry2({ crc32c: "4waSgw" })],
    ["whose size is text", entry2({ size: "100" })],
    ["whose dependencies hold numbers", entry2({ dependencies: [1] })],
    ["without dependencies", entry2({ dependencies: undefined })],
    ["without a time", entry2({ modified_datetime: undefined })],
  ])("%s says why, and is written again as it was", (_what, entry) => {
    const text = documentText({ a: entry, sound: entry2() })
    const series = parseSeriesMetadata(Buffer.from(text))
    const faulty = series.instances.get("a")
    expect(faulty).toMatchObject({ kind: "unreadable", key: "a", problem: expect.any(InvalidMetadata) })
    expect(understood(series.instances.get("sound")).tags()).toEqual(TAGS)
    expect(gunzipSync(encodeSeriesMetadata(series)).toString()).toBe(text)
  })

  test.each(["..", "a/b", "", "a\u0000", "x".repeat(300)])("because of its key %j", (key) => {
    expect(read(entry2(), key)).toMatchObject({ kind: "unreadable", key })
  })

  test("because its text is no JSON does not take the others with it, but is not written", () => {
    const text = documentText({ a: "@", sound: entry2() }).replace('"@"', '{"a": nul}')
    const series = parseSeriesMetadata(Buffer.from(text))
    expect(series.instances.get("a")).toMatchObject({ kind: "unreadable" })
    expect(understood(series.instances.get("sound")).tags()).toEqual(TAGS)
    expect(() => encodeSeriesMetadata(series)).toThrow(InvalidMetadata)
  })
})

describe("an instance's tags", () => {
  test.each([
    ["without padding", storeTags(TAGS).replace(/=*$/, "")],
    ["of the URL's alphabet", "KLUv_SQ-"],
    ["with a line end in it", `${storeTags(TAGS).slice(0, 4)}\n${storeTags(TAGS).slice(4)}`],
    ["that are no zstd frame", "bm8genN0ZA=="],
    ["that are nothing", ""],
    ["that are no JSON", packed("no JSON")],
    ["that are a list", packed("[]")],
    ["that are no UTF-8", packed(Uint8Array.from(Buffer.from('{"00080018": {"vr": "\xff"}}', "latin1")))],
    ["with a tag that is no element", packed('{"00080018": 5}')],
    ["with a value that is no list", packed('{"00080018": {"vr": "UI", "Value": "1.2"}}')],
  ])("%s are refused when they are asked for, not before", (_what, metadata) => {
    const record = understood(read(entry2({ metadata })))
    expect(record.instanceUid).toBe("1.2.3.4")
    expect(record.hasPixeldata).toBe(true)
    expect(() => record.tags()).toThrow(InvalidMetadata)
  })

  test("larger than the limit are refused before they are held", () => {
    const metadata = packed(`{"00080018": {"vr": "UI", "Value": ["${"1".repeat(10_000)}"]}}`)
    const bytes = Buffer.from(documentText({ a: entry2({ metadata }) }))
    const { instances } = parseSeriesMetadata(bytes, { ...DEFAULT_LIMITS, tagsBytes: 10_000 })
    expect(() => understood(instances.get("a")).tags()).toThrow(TooLarge)
  })

  test("are kept when their text is shorter than 1000 characters, and else read anew", () => {
    const noise = Uint8Array.from({ length: 4000 }, (_, i) => (i * i * 2654435761) >> 13)
    const small = understood(read(entry2()))
    const large = understood(
      read(entry2({ metadata: storeTags({ "00091001": { vr: "UT", Value: [noise.toHex()] } }) })),
    )
    expect(JSON.parse(small.json).metadata.length).toBeLessThan(1000)
    expect(JSON.parse(large.json).metadata.length).toBeGreaterThan(1000)
    expect(small.tags()).toBe(small.tags())
    expect(large.tags()).not.toBe(large.tags())
    expect(large.tags()).toEqual(large.tags())
  })

  test("of version 1.0 tell the UIDs and whether there are pixels", () => {
    const { "7FE00010": _pixels, "0020000D": _study, ...rest } = TAGS
    const record = understood(read(entry1({ metadata: { ...rest, "0020000E": { vr: "UI" } } })))
    expect(record).toMatchObject({ instanceUid: "1.2.3.4", hasPixeldata: false })
    expect([record.seriesUid, record.studyUid]).toEqual([undefined, undefined])
  })
})

describe("an instance of ours", () => {
  const values = {
    key: "hash-1",
    instanceUid: "1.2.3.4",
    seriesUid: "1.2.3",
    studyUid: "1.2",
    hasPixeldata: true,
    uri: "gs://b/p/studies/1.2/series/1.2.3.tar://instances/hash-1.dcm",
    startByte: 1536,
    endByte: 1636,
    size: 100,
    crc32c: "4waSgw==",
    offsetTables: { CustomOffsetTable: [0, 50], CustomOffsetTableLengths: [50, 50] },
    originalPath: "/in/a.dcm",
    dependencies: ["gs://in/a.dcm"],
    diffHashDupePaths: [],
    modifiedDatetime: undefined,
    tags: { "00080018": { vr: "UI", Value: ["1.2.3.4"] }, "30040002": { vr: "CS", Value: ["GY"] } },
  }

  test("is read as it was made, its tags in the order of a data set", () => {
    const { tags, ...told } = values
    const record = newInstance(values)
    expect(record).toMatchObject({ ...told, kind: "instance", version: "2.0" })
    expect(record.tags()).toEqual(tags)
    const stored = Buffer.from(JSON.parse(record.json).metadata, "base64")
    expect(Buffer.from(Bun.zstdDecompressSync(stored)).toString()).toStartWith('{"00080018": ')
  })

  test("holds no NaN from the first, and is written as it is", () => {
    const tags = { "00181151": { vr: "DS", Value: [Number.NaN, 1.5] } }
    const record = changeInstance(newInstance({ ...values, tags }), { startByte: 512 })
    expect(record.clean).toBe(true)
    expect(record.tags()).toEqual({ "00181151": { vr: "DS", Value: [null, 1.5] } })
    expect(JSON.parse(written(record)).cod.instances.a).toEqual(JSON.parse(record.json))
  })

  test("that was stored with NaN loses it also when something else of it has changed", () => {
    const stored = understood(
      read(entry2({ metadata: packed('{"00181151": {"vr": "DS", "Value": [NaN]}}') })),
    )
    const record = changeInstance(stored, { startByte: 512 })
    expect(record.clean).toBe(false)
    const again = understood(parseSeriesMetadata(Buffer.from(written(record))).instances.get("a"))
    expect(again.tags()).toEqual({ "00181151": { vr: "DS", Value: [null] } })
  })

  test("with a value that nobody would read is refused", () => {
    for (const wrong of [{ startByte: -1 }, { crc32c: "" }, { size: Number.NaN }, { key: "../x" }]) {
      expect(() => newInstance({ ...values, ...wrong })).toThrow(InvalidMetadata)
    }
  })

  test("changes in what is changed and in nothing else", () => {
    const entry = {
      ...entry2({ z: 18446744073709551615n, b: null }),
      headers: { x: 1, end_byte: 9, start_byte: 0 },
    }
    const before = understood(read(entry))
    const after = changeInstance(before, {
      startByte: 512,
      endByte: 612,
      diffHashDupePaths: ["gs://in/b.dcm"],
    })
    const [was, is] = [before, after].map(({ json }) => json)
    expect(is).toBe(
      was!
        .replace('"end_byte": 9, "start_byte": 0', '"end_byte": 612, "start_byte": 512')
        .replace('"diff_hash_dupe_paths": []', '"diff_hash_dupe_paths": ["gs://in/b.dcm"]'),
    )
    expect(after).toMatchObject({ startByte: 512, endByte: 612, diffHashDupePaths: ["gs://in/b.dcm"] })
    const tables = { CustomOffsetTable: [0], CustomOffsetTableLengths: [9] }
    const framed = changeInstance(before, { offsetTables: tables })
    expect(framed.offsetTables).toEqual(tables)
    expect(changeInstance(framed, { offsetTables: {} }).json).toBe(before.json)
    expect(changeInstance(understood(read(entry1())), { uri: "x" }).version).toBe("1.0")
  })
})

function written(entry: InstanceEntry): string {
  const series = parseSeriesMetadata(Buffer.from(documentText({})))
  return gunzipSync(encodeSeriesMetadata({ ...series, instances: new Map([["a", entry]]) })).toString()
}

function packed(content: string | Uint8Array<ArrayBuffer>): string {
  return Buffer.from(Bun.zstdCompressSync(content)).toString("base64")
}
