/**
 * What readers in browsers demand of a series: they fetch metadata.json with the entries of version 1.0, and parts of the
 * tar by what stands there, without a look at anything else.
 */
import { afterAll, describe, expect, test } from "bun:test"
import { encodeSeriesMetadata, parseSeriesMetadata } from "../../lib/cod/format/metadata/series.ts"
import { instanceUri, metadataUri, parseSeriesUri, tarUri } from "../../lib/cod/index.ts"
import { type GoldenCase, goldenCase, goldenCases } from "../support/golden.ts"
import { changedSeries, type Document } from "./changed-series.ts"
import { openGolden } from "./golden-bucket.ts"
import { sha256 } from "./golden-series.ts"

const bucket = await openGolden()
afterAll(() => bucket.stop())

/** The series' metadata as we write it for such readers. */
function writtenForThem(golden: GoldenCase): Document {
  const key = golden.keys.find((name) => name.endsWith("metadata.json"))!
  const encoded = encodeSeriesMetadata(parseSeriesMetadata(golden.bytes(key)), { version: "1.0" })
  return JSON.parse(Buffer.from(Bun.gunzipSync(new Uint8Array(encoded))).toString()) as Document
}

/** `https://server/dicomweb/BUCKET/PREFIX/studies/…` is how they are told where a series is. */
const PLACE = /^(?<bucket>[^/]+)\/(?<prefix>.+)\/studies\/(?<study>[^/]+)\/series\/(?<series>[^/]+)/

describe("a reader in a browser", () => {
  for (const golden of goldenCases()) {
    test(`reads ${golden.name} by start_byte and end_byte, which is exclusive`, async () => {
      bucket.put(golden)
      const { study_uid: studyUid, series_uid: seriesUid, instances } = golden.expected
      const tar = `archive/${golden.name}/studies/${studyUid}/series/${seriesUid}.tar`
      for (const [key, { headers, metadata, offset_tables }] of Object.entries(
        writtenForThem(golden).cod.instances,
      )) {
        const { start_byte, end_byte } = headers
        const range = { start: start_byte, end: end_byte }
        const bytes = await new Response((await bucket.store.read(tar, { range })).stream).bytes()
        expect(sha256(bytes)).toBe(instances[key]!.sha256)
        // They take the tags as an object and the tables apart, whatever is in them.
        expect(metadata).toBeObject()
        expect(offset_tables).toBeObject()
        const { CustomOffsetTable: offsets, CustomOffsetTableLengths: lengths } = offset_tables
        expect(offsets?.length).toBe(lengths?.length)
      }
    })
  }

  test("finds an object where somebody else had none, and tables where there are none", async () => {
    const golden = goldenCase("several-instances")
    await using series = await changedSeries(golden)
    await series.changeMetadata(({ cod }) => {
      for (const entry of Object.values(cod.instances)) Object.assign(entry, { offset_tables: null })
    })
    await using cod = await series.open()
    const metadata = await cod.getMetadata()
    for (const version of ["1.0", "2.0"] as const) {
      const encoded = encodeSeriesMetadata(metadata, { version })
      const written = JSON.parse(Buffer.from(Bun.gunzipSync(new Uint8Array(encoded))).toString()) as Document
      for (const { offset_tables } of Object.values(written.cod.instances)) expect(offset_tables).toEqual({})
    }
  })

  test("is told where a series is only by a datastore that has a prefix", () => {
    const place = { studyUid: "1.2", seriesUid: "3.4" }
    const path = (uri: string) => uri.replace("gs://", "")
    const within = { ...place, datastore: "gs://bucket/v1/dicomweb" }
    for (const uri of [tarUri(within), metadataUri(within), instanceUri(within, "5.6")]) {
      expect(PLACE.exec(path(uri))?.groups).toEqual({
        bucket: "bucket",
        prefix: "v1/dicomweb",
        study: "1.2",
        series: expect.stringMatching(/^3\.4(?:\.tar:?)?$/),
      })
      expect(parseSeriesUri(uri)).toMatchObject(within)
    }
    // Ours read such a series all the same.
    const atTop = { ...place, datastore: "gs://bucket" }
    expect(PLACE.test(path(tarUri(atTop)))).toBe(false)
    expect(parseSeriesUri(tarUri(atTop))).toEqual(atTop)
  })
})
