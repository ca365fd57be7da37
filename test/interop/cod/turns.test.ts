import { afterAll, describe, expect, test } from "bun:test"
import { TAR_RECORD } from "../../../lib/cod/reading/tar-record.ts"
import { sharedSeries, versionsOf, type Writer } from "./shared-series.ts"
import { openSite } from "./site.ts"

const BUCKET = "turns"

const KINDS = [
  { name: "one instance", shape: "images", first: 1 },
  { name: "many instances", shape: "images", first: 30 },
  { name: "multi-frame, native", shape: "multi-frame, native", first: 3 },
  { name: "multi-frame, encapsulated", shape: "multi-frame, encapsulated", first: 6 },
  { name: "of all kinds", shape: "of all kinds", first: 9 },
  { name: "hashed UIDs", shape: "images", first: 3, hashed: true },
]

const FIELDS = {
  label: "Überprüft ✓ 🫁",
  score: 0.25,
  nothing: null,
  nested: { a: [1, { b: [] }] },
  large: 2n ** 63n + 1n,
}

const site = await openSite(BUCKET)
if (site === undefined) test.skip("taking turns with cloud-optimized-dicom 2.2.0", () => {})
else {
  const { peer, store } = site
  afterAll(() => site[Symbol.asyncDispose]())

  describe("five rounds of taking turns with cloud-optimized-dicom 2.2.0, on fake-gcs-server", () => {
    for (const metadataVersion of ["2.0", "1.0"] as const)
      for (const { first, ...kind } of KINDS) {
        test(`${kind.name}, our metadata ${metadataVersion}`, async () => {
          const name = `${kind.name} ${metadataVersion}`
          const series = await sharedSeries(peer, store, { ...kind, name, bucket: BUCKET, metadataVersion })
          const keys = () => [...series.stored.keys()]

          const round = async (ours: (writer: Writer) => Promise<void>) => {
            await series.write(ours)
            await series.agree(peer)
            expect(await versionsOf(series.place, store)).toEqual(new Set([metadataVersion]))
            await series.theyAppend(peer, 2)
            // Whatever it saves is of version 2.0.
            expect(await versionsOf(series.place, store)).toEqual(new Set(["2.0"]))
            return await series.agree(peer)
          }

          await round(async ({ cod, append }) => {
            await append(first)
            for (const [field, value] of Object.entries(FIELDS)) await cod.addMetadataField(field, value)
          })
          await round(({ append }) => append(1))
          await round(({ remove }) => remove(keys().at(-2)!))
          await round(async ({ truncate, append }) => {
            await truncate(...keys().filter((_, n) => n % 2 === 0))
            await append(1)
          })
          let other = ""
          const { instances, metadata_fields } = await round(async ({ append, appendOther }) => {
            other = await appendOther()
            await append(2)
          })
          expect(metadata_fields).toEqual({ ...FIELDS, [TAR_RECORD]: metadata_fields[TAR_RECORD] })
          expect(instances[keys()[0]!]!.diff_hash_dupe_paths).toEqual([other])
        })
      }
  })
}
