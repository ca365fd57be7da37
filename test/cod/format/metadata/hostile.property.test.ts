import { expect, test } from "bun:test"
import { gunzipSync } from "node:zlib"
import fc from "fast-check"
import { CODError } from "../../../../lib/cod/format/errors.ts"
import { stringifyJson } from "../../../../lib/cod/format/json.ts"
import { seriesKeys } from "../../../../lib/cod/format/layout.ts"
import { encodeSeriesMetadata, parseSeriesMetadata } from "../../../../lib/cod/format/metadata/series.ts"
import { readTags } from "../../../../lib/cod/format/metadata/tags.ts"
import type { SeriesMetadata } from "../../../../lib/cod/format/metadata/types.ts"
import { compress } from "../../../../lib/cod/format/zstd.ts"
import { goldenCase } from "../../../support/golden.ts"
import { mutate, mutations } from "../mutations.ts"
import { documentText, entry2, understood } from "./documents.ts"

const LIMITS = { documentBytes: 2 ** 22, tagsBytes: 2 ** 22 }

const WORDS = [
  ...[
    '"',
    "\\",
    "\\u",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "NaN",
    "-Infinity",
    "1e999",
    "-1",
    "\0",
  ],
  ...[
    "0.5",
    "18446744073709551616",
    "9".repeat(400),
    "[".repeat(600),
    '{"a":'.repeat(600),
    '"__proto__":{"x":1},',
  ],
  ...[
    '"version": "3.0",',
    '"1.0"',
    '"2.0"',
    '"instances":{},',
    '"cod":{},',
    '"deid_study_uid":"x",',
    '"../../x"',
  ],
  ...["KLUv/SQ", "=", '"headers":null', '"start_byte": 1e300', '"vr":"SQ","Value":[null]', "\ufeff"],
]

const VALUES = [
  ...[
    null,
    true,
    -1,
    0.5,
    2 ** 53,
    1e300,
    "",
    "..",
    "a/b",
    "1.0",
    "2.0",
    "3.0",
    "KLUv/SQ=",
    [],
    {},
    [null],
    [[1]],
  ],
  ...[
    { vr: "SQ", Value: [null, 1, { "30040002": null }] },
    { CustomOffsetTable: [1] },
    { start_byte: 0 },
    Number.NaN,
  ],
]

const documents = ["v1-metadata", "several-instances", "hashed-uids", "custom-fields", "thumbnail-jpg"].map(
  (name) => {
    const golden = goldenCase(name)
    const { study_uid, series_uid } = golden.expected
    return golden.bytes(seriesKeys(study_uid, series_uid).metadata)
  },
)
const texts = [
  ...documents.map((bytes) => gunzipSync(bytes)),
  ...documents.map((bytes) =>
    gunzipSync(encodeSeriesMetadata(parseSeriesMetadata(bytes), { version: "1.0" })),
  ),
]

test("a damaged document is read, or refused by an error of ours", () => {
  fc.assert(
    fc.property(fc.nat(texts.length - 1), mutations(WORDS), (which, changes) => {
      survives(mutate(texts[which]!, changes))
    }),
    { numRuns: 2000 },
  )
})

test("damaged gzip is read, or refused by an error of ours", () => {
  const words = ["\x1f\x8b", "\xff\xff\xff\xff"]
  fc.assert(
    fc.property(fc.nat(documents.length - 1), mutations(words), (which, changes) => {
      survives(mutate(documents[which]!, changes))
    }),
    { numRuns: 1000 },
  )
})

test("a document whose values are exchanged is read, or refused by an error of ours", () => {
  const exchange = fc.record({ at: fc.nat(), value: fc.constantFrom(...VALUES, undefined) })
  const read: boolean[] = []
  fc.assert(
    fc.property(
      fc.nat(texts.length - 1),
      fc.array(exchange, { minLength: 1, maxLength: 3 }),
      (which, exchanges) => {
        const document = JSON.parse(texts[which]!.toString()) as object
        for (const { at, value } of exchanges) {
          const places = placesIn(document)
          const [parent, key] = places[at % places.length]!
          Object.assign(parent, { [key]: structuredClone(value) })
        }
        read.push(survives(Buffer.from(textWithNaN(document))))
      },
    ),
    { numRuns: 2500 },
  )
  // Otherwise it would only try how documents are refused.
  expect(read.filter(Boolean).length).toBeGreaterThan(1000)
})

test("damaged tags are read, or refused by an error of ours", () => {
  const { instances } = parseSeriesMetadata(documents[0]!)
  const [text] = Array.from(instances.values(), (entry) =>
    Buffer.from(stringifyJson(understood(entry).tags())),
  )
  fc.assert(
    fc.property(mutations(WORDS), fc.boolean(), (changes, isInside) => {
      const frame = isInside ? compress(mutate(text!, changes)) : mutate(compress(text!), changes)
      const stored = Buffer.from(frame.buffer, frame.byteOffset, frame.length).toString("base64")
      ours(() => readTags(stored, LIMITS.tagsBytes))
      survives(Buffer.from(documentText({ a: entry2({ metadata: stored }) })))
    }),
    { numRuns: 1000 },
  )
})

/** @returns whether the document was read */
function survives(bytes: Uint8Array): boolean {
  const series = ours(() => parseSeriesMetadata(bytes, LIMITS))
  expect(({} as { x?: unknown }).x).toBeUndefined()
  if (series === undefined) return false
  for (const entry of series.instances.values()) if (entry.kind === "instance") ours(() => entry.tags())
  for (const version of ["1.0", "2.0"] as const) {
    const written = ours(() => encodeSeriesMetadata(series, { version }))
    if (written === undefined) continue
    const again = parseSeriesMetadata(written, LIMITS)
    expect([...again.instances.keys()]).toEqual([...series.instances.keys()])
    // One that was not understood may be: NaN has become null.
    const lost = understoodIn(series).filter((key) => !understoodIn(again).includes(key))
    expect(lost).toEqual([])
  }
  return true
}

function understoodIn({ instances }: SeriesMetadata): string[] {
  return Array.from(instances.values())
    .filter(({ kind }) => kind === "instance")
    .map(({ key }) => key)
}

/** Lets no error through but those of this library. */
function ours<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (error instanceof CODError) return undefined
    throw error
  }
}

/** Each place in a JSON value that holds something: what holds it, and under which key. */
function placesIn(value: unknown): [parent: object, key: string][] {
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([key, child]) => [[value, key], ...placesIn(child)])
}

/** As Python writes it. */
function textWithNaN(document: object): string {
  const mark = "not a number"
  const text = JSON.stringify(document, (_key, value) => (Number.isNaN(value) ? mark : value))
  return text.replaceAll(JSON.stringify(mark), "NaN")
}
