import { describe, expect, test } from "bun:test"
import { gunzipSync } from "node:zlib"
import { InvalidJson, InvalidMetadata, TooLarge } from "../../../../lib/cod/format/errors.ts"
import { gzip } from "../../../../lib/cod/format/gzip.ts"
import { stringifyJson } from "../../../../lib/cod/format/json.ts"
import {
  DEFAULT_LIMITS,
  encodeSeriesMetadata,
  parseSeriesMetadata,
  requireFieldName,
} from "../../../../lib/cod/format/metadata/series.ts"
import { documentText, entry1, entry2, TAGS, understood } from "./documents.ts"

const parse = (text: string) => parseSeriesMetadata(Buffer.from(text))
const write = (text: string, version?: "1.0" | "2.0") =>
  gunzipSync(encodeSeriesMetadata(parse(text), { version })).toString()

describe("a document", () => {
  test("is read as gzip and as plain JSON, for stores hand out either", () => {
    const text = Buffer.from(documentText({ "1.2.3.4": entry2() }))
    for (const bytes of [text, gzip(text)]) {
      expect(understood(parseSeriesMetadata(bytes).instances.get("1.2.3.4")).tags()).toEqual(TAGS)
    }
  })

  test("is hashed when the names of its UIDs say so", () => {
    const text = '{"deid_study_uid": "hash-a", "deid_series_uid": "hash-b", "cod": {"instances": {}}}'
    expect(parse(text)).toMatchObject({ hashedUids: true, studyUid: "hash-a", seriesUid: "hash-b" })
    expect(write(text)).toBe(text)
  })

  test("hands out the same record each time, in its order, also to those who take all", () => {
    const { instances } = parse(documentText({ b: entry2(), a: entry1() }))
    const all = [...instances]
    expect(all.map(([key]) => key)).toEqual(["b", "a"])
    expect([...instances.values()]).toEqual(all.map(([, entry]) => entry))
    expect(all.every(([key, entry]) => instances.get(key) === entry)).toBe(true)
    const seen: string[] = []
    instances.forEach((entry, key, map) => {
      seen.push(key, entry.key, String(map === instances))
    })
    expect(seen).toEqual(["b", "b", "true", "a", "a", "true"])
    expect([instances.size, instances.has("a"), instances.has("c"), instances.get("c")]).toEqual([
      2,
      true,
      false,
      undefined,
    ])
  })

  test("may lack the map of instances", () => {
    expect(parse('{"study_uid": "1.2", "series_uid": "1.2.3", "cod": {}}').instances.size).toBe(0)
  })

  test("holds versions 1.0, 2.0 and none at all side by side", () => {
    const text = documentText({
      a: entry2(),
      b: entry1(),
      c: entry1({ version: undefined }),
      d: entry2({ metadata: TAGS }),
    })
    const { instances } = parse(text)
    expect([...instances.values()].map((entry) => understood(entry).version)).toEqual([
      "2.0",
      "1.0",
      "1.0",
      "2.0",
    ])
    for (const entry of instances.values()) {
      expect(understood(entry).tags()).toEqual(TAGS)
      expect(entry).toMatchObject({
        instanceUid: "1.2.3.4",
        seriesUid: "1.2.3",
        studyUid: "1.2",
        hasPixeldata: true,
      })
    }
  })

  test("keeps what we do not know, at every level and in its order", () => {
    const entry = entryText('"z": {"20": [], "10": {"b": 1, "a": 2}}, "9": 18446744073709551615').replace(
      '"end_byte": 1636',
      '"end_byte": 1636, "2": null, "1": "x"',
    )
    const text =
      `{"study_uid": "1.2", "series_uid": "1.2.3", "cod": {"instances": {"b": ${entry}, "1": ${entry}}, "zeta": ` +
      '{"2": 1, "1": 18446744073709551615}, "7": []}, "score": 0.25, "12": {"b": 1, "11": 2, "3": null}, "alpha": []}'
    expect(write(text, "2.0")).toBe(text)
    expect(write(write(text, "1.0"), "2.0")).toBe(text)
  })

  test.each(["__proto__", "constructor", "hasOwnProperty"])("may have keys called %s anywhere", (name) => {
    const wicked = `"${name}": {"polluted": 1}`
    const entry = entryText(wicked)
    const text = `{"study_uid": "1.2", "series_uid": "1.2.3", "cod": {"instances": {"${name}": ${entry}}, ${wicked}}, ${wicked}}`
    const series = parse(text)
    const record = understood(series.instances.get(name))
    expect([record.unknown.get(name), series.unknown.get(name), series.fields.get(name)]).toEqual(
      Array.from({ length: 3 }, () => ({ polluted: 1 })),
    )
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect(write(text, "2.0")).toBe(text)
    expect(write(write(text, "1.0"), "2.0")).toBe(text)
  })

  test.each([
    ["nothing", ""],
    ["no object", "[]"],
    ["cut short", documentText({ a: entry2() }).slice(0, -1)],
    ["with something behind", `${documentText({})} {}`],
    ["without UIDs", '{"cod": {"instances": {}}}'],
    ["with a number for a UID", '{"study_uid": 1, "series_uid": "1.2", "cod": {}}'],
    ["with a UID that leads elsewhere", '{"study_uid": "..", "series_uid": "1.2", "cod": {}}'],
    ["without the second UID of its kind", '{"deid_study_uid": "a", "series_uid": "1.2", "cod": {}}'],
    ["without cod", '{"study_uid": "1.2", "series_uid": "1.2.3"}'],
    ["with a list for cod", '{"study_uid": "1.2", "series_uid": "1.2.3", "cod": []}'],
    [
      "with null for the instances",
      '{"study_uid": "1.2", "series_uid": "1.2.3", "cod": {"instances": null}}',
    ],
    ["with a field that is no JSON", '{"study_uid": "1.2", "series_uid": "1.2.3", "cod": {}, "x": nul}'],
    ["with a key that is no JSON", '{"study_uid": "1.2", "series_uid": "1.2.3", "cod": {}, "\\x": 1}'],
    ["with a comma too many", '{"study_uid": "1.2", "series_uid": "1.2.3", "cod": {},}'],
    ["nested without end", '{"a":'.repeat(100_000)],
    [
      "nested without end in an instance",
      documentText({ a: "@" }).replace('"@"', "[".repeat(600) + "]".repeat(600)),
    ],
    ["nested without end in a field", `{"a": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
  ])("%s is refused", (_what, text) => {
    expect(() => parse(text)).toThrow(InvalidMetadata)
    expect(() => parseSeriesMetadata(gzip(Buffer.from(text)))).toThrow(InvalidMetadata)
  })

  test("that is not UTF-8, or broken gzip, is refused", () => {
    const bytes = Buffer.from(documentText({}, { x: "@" }))
    bytes[bytes.indexOf("@")] = 0xff
    expect(() => parseSeriesMetadata(bytes)).toThrow(InvalidMetadata)
    expect(() => parseSeriesMetadata(gzip(Buffer.from(documentText({}))).subarray(0, -6))).toThrow(
      InvalidMetadata,
    )
  })

  test("larger than the limit is refused before it is held", () => {
    const bomb = gzip(Buffer.alloc(2 ** 22))
    for (const bytes of [bomb, Buffer.from(documentText({}, { x: "y".repeat(5000) }))]) {
      expect(() => parseSeriesMetadata(bytes, { ...DEFAULT_LIMITS, documentBytes: 4096 })).toThrow(TooLarge)
    }
  })
})

describe("what is written", () => {
  test("is the same bytes each time, with the header that Python's gzip writes", () => {
    const series = parse(documentText({ a: entry2() }))
    const bytes = encodeSeriesMetadata(series)
    expect(Buffer.from(bytes.subarray(0, 10)).toString("hex")).toBe("1f8b08000000000002ff")
    expect(encodeSeriesMetadata(series)).toEqual(bytes)
  })

  test("is version 2.0 unless asked otherwise", () => {
    const text = documentText({ a: entry1(), b: entry2() })
    expect(write(text)).toBe(documentText({ a: entry2(), b: entry2() }))
    expect(write(text, "1.0")).toBe(documentText({ a: entry1(), b: entry1() }))
  })

  test("never holds NaN or an infinity, also not within compressed tags", () => {
    const nan = '{"00181151": {"vr": "DS", "Value": [NaN, -Infinity, 1.5]}}'
    const stored = Buffer.from(Bun.zstdCompressSync(nan)).toString("base64")
    const text = documentText({ a: entry2({ metadata: stored }), b: entry1({ extra: "@" }) }, { x: "@" })
    const written = parse(write(text.replaceAll('"@"', "NaN")))
    expect(written.fields.get("x")).toBeNull()
    const { tags } = understood(written.instances.get("a"))
    expect(tags()).toEqual({ "00181151": { vr: "DS", Value: [null, null, 1.5] } })
    expect(understood(written.instances.get("b")).unknown.get("extra")).toBeNull()
  })

  test("passes compressed tags through that only speak of NaN", () => {
    const tags = '{"00100010": {"vr": "PN",  "Value": [{"Alphabetic": "NaN^Infinity"}]}}'
    const stored = Buffer.from(Bun.zstdCompressSync(tags, { level: 19 })).toString("base64")
    const text = documentText({ a: entry2({ metadata: stored }) })
    expect(write(text)).toBe(text)
  })

  test("keeps compressed tags as they are that hold NaN and cannot be read either", () => {
    for (const tags of ['{"00181151": NaN', "[NaN]", '{"00181151": NaN}']) {
      const stored = Buffer.from(Bun.zstdCompressSync(tags)).toString("base64")
      const text = documentText({ a: entry2({ metadata: stored }) })
      expect(write(text)).toBe(text)
    }
  })

  test("has an object for offset tables, also where there was null", () => {
    for (const entry of [entry1, entry2]) {
      const text = documentText({
        a: entry({ offset_tables: null, dependencies: null, modified_datetime: null }),
      })
      expect(understood(parse(text).instances.get("a"))).toMatchObject({
        offsetTables: {},
        dependencies: [],
        modifiedDatetime: undefined,
      })
      expect(JSON.parse(write(text)).cod.instances.a.offset_tables).toEqual({})
    }
  })

  test("leaves an instance in its version that cannot be told in the other", () => {
    const { "0020000E": _uid, ...nameless } = TAGS
    const v1 = documentText({ a: entry1({ metadata: nameless }) })
    expect(write(v1, "2.0")).toBe(v1)
    const v2 = documentText({ a: entry2({ metadata: "bm8genN0ZA==" }) })
    expect(write(v2, "1.0")).toBe(v2)
  })

  test.each(["cod", "study_uid", "series_uid", "deid_study_uid", "deid_series_uid"])(
    "has no field called %s",
    (name) => {
      expect(() => requireFieldName(name)).toThrow(InvalidMetadata)
      const series = parse(documentText({}))
      const fields = new Map([[name, "x"]])
      const encode = () => encodeSeriesMetadata({ ...series, fields })
      if (name === "deid_series_uid") expect(encode).not.toThrow()
      else expect(encode).toThrow(InvalidMetadata)
    },
  )

  test("has fields of every kind that JSON knows, and of no other", () => {
    const series = parse(documentText({}))
    const fields = new Map<string, unknown>([
      ["2", 2n ** 63n],
      ["1", [Number.NaN, "ü"]],
      ["none", undefined],
    ])
    expect(gunzipSync(encodeSeriesMetadata({ ...series, fields })).toString()).toEndWith(
      '"2": 9223372036854775808, "1": [null, "\\u00fc"]}',
    )
    const dates = new Map([["date", new Date(0)]])
    expect(() => encodeSeriesMetadata({ ...series, fields: dates })).toThrow(InvalidJson)
  })
})

/** An entry with further members. */
function entryText(members: string): string {
  return `${stringifyJson(entry2()).slice(0, -1)}, ${members}}`
}
