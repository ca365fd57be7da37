/**
 * Metadata that somebody made up: whatever stands in it, what comes of it are errors of ours, and soon.
 */
import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { CODObject, check, FrameNotFoundError, seriesInfo } from "../../lib/cod/index.ts"
import type { ObjectSource } from "../../lib/storage/store.ts"
import { AppError } from "../../lib/support/errors.ts"
import { goldenCase } from "../support/golden.ts"
import { tempDir } from "../support/temp.ts"
import type { Document } from "./changed-series.ts"
import { memorySource } from "./memory-source.ts"

const GOLDEN = goldenCase("v1-metadata")
const { study_uid: studyUid, series_uid: seriesUid } = GOLDEN.expected
const METADATA = `studies/${studyUid}/series/${seriesUid}/metadata.json`
const DOCUMENT = Buffer.from(Bun.gunzipSync(new Uint8Array(GOLDEN.bytes(METADATA)))).toString()
const OBJECTS = new Map(GOLDEN.keys.map((key) => [key, GOLDEN.bytes(key)]))

const FIELDS = [
  ["headers"],
  ["headers", "start_byte"],
  ["headers", "end_byte"],
  ["size"],
  ["crc32c"],
  ["offset_tables"],
  ["offset_tables", "CustomOffsetTable"],
  ["offset_tables", "CustomOffsetTableLengths"],
  ["metadata"],
  ["metadata", "00020010"],
  ["metadata", "00020010", "Value"],
  ["metadata", "00280008"],
  ["metadata", "00280008", "Value"],
  ["metadata", "00280010"],
  ["metadata", "00200013"],
  ["metadata", "00200013", "Value"],
  ["uri"],
  ["version"],
  ["original_path"],
  ["dependencies"],
] as const

const value = fc.oneof(
  fc.jsonValue(),
  fc.integer({ min: -20_000, max: 40_000 }),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, 2 ** 53, 1e300, -1, 2 ** 32, 0.5),
  fc.array(fc.integer({ min: -10, max: 20_000 }), { maxLength: 5 }),
  fc.array(fc.constantFrom(0, 1e15, Number.MAX_SAFE_INTEGER, -5), { minLength: 3, maxLength: 3 }),
)
const change = fc.record({ instance: fc.nat({ max: 2 }), field: fc.constantFrom(...FIELDS), value })

function changed(
  changes: readonly { instance: number; field: readonly string[]; value: unknown }[],
): ObjectSource {
  const document = JSON.parse(DOCUMENT) as Document
  const entries = Object.values(document.cod.instances)
  for (const { instance, field, value } of changes) {
    let at: unknown = entries[instance]
    for (const name of field.slice(0, -1)) at = isObject(at) ? at[name] : undefined
    if (isObject(at)) at[field.at(-1)!] = value
  }
  const metadata = new TextEncoder().encode(JSON.stringify(document))
  return memorySource("gs://memory", new Map([...OBJECTS, [METADATA, metadata]]))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** Everything that reading can do with a series. */
async function readAll(store: ObjectSource, folder: string): Promise<unknown[]> {
  const failures: unknown[] = []
  const attempt = async (work: () => Promise<unknown>) => {
    await work().catch((error: unknown) => failures.push(error))
  }
  await using cod = await CODObject.open({ store, studyUid, seriesUid, lock: false, maxTempBytes: 2 ** 30 })
  await attempt(() => cod.getInstances())
  await attempt(() => cod.getInstances({ strictSorting: false }))
  for (const key of (await cod.getMetadata()).instances.keys()) {
    await attempt(async () => (await cod.openInstance(key))[Symbol.asyncDispose]())
    await attempt(() => cod.openFrame(key, 1))
    await attempt(() => cod.openFrame(key, 3))
    await attempt(async () => (await cod.getInstance(key)).validate())
  }
  await attempt(() => cod.pullTar())
  await attempt(() => cod.extractLocally(folder))
  await attempt(() => seriesInfo(cod.datastoreSeriesUri, { store }))
  await attempt(() => check(cod.datastoreSeriesUri, { store }))
  return failures
}

describe("made-up metadata", () => {
  test("is read, or refused by errors of ours", async () => {
    using dir = tempDir("hostile")
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        for (const error of await readAll(changed(changes), dir.path)) expect(error).toBeInstanceOf(AppError)
      }),
      { numRuns: 300 },
    )
  })

  test("that is left as it is lacks nothing but frames that are not there", async () => {
    using dir = tempDir("hostile")
    const failures = await readAll(changed([]), dir.path)
    expect(failures).toHaveLength(3)
    for (const error of failures) expect(error).toBeInstanceOf(FrameNotFoundError)
  })
})
