import { afterAll, describe, expect, test } from "bun:test"
import { dicomJson, parseDicom, pixeldataOf } from "../../../lib/cod/format/dicom/index.ts"
import { buildIndex } from "../../../lib/cod/format/index/build.ts"
import { instanceUri, memberName, type SeriesPlace, seriesKeys } from "../../../lib/cod/format/layout.ts"
import { newInstance } from "../../../lib/cod/format/metadata/instance-text.ts"
import { encodeSeriesMetadata } from "../../../lib/cod/format/metadata/series.ts"
import type { InstanceRecord, MetadataVersion } from "../../../lib/cod/format/metadata/types.ts"
import { offsetTables } from "../../../lib/cod/format/offset-tables.ts"
import type { TarMember } from "../../../lib/cod/format/tar/member.ts"
import { endOfTar, placeEntry } from "../../../lib/cod/format/tar/write.ts"
import { CODObject } from "../../../lib/cod/index.ts"
import { crc32cBase64 } from "../../../lib/support/checksums.ts"
import { type GoldenCase, goldenCase } from "../../support/golden.ts"
import { described } from "./described.ts"
import type { PeerSeries } from "./peer.ts"
import { openSite } from "./site.ts"

const BUCKET = "encoded"

const CASES = [
  "several-instances",
  "kept-on-ingest",
  "multiframe-native",
  "multiframe-encapsulated",
  "hashed-uids",
  "custom-fields",
]

const site = await openSite(BUCKET)
if (site === undefined) test.skip("cloud-optimized-dicom 2.2.0", () => {})
else {
  const { peer, store } = site
  afterAll(() => site[Symbol.asyncDispose]())

  describe("cloud-optimized-dicom 2.2.0 reads the series that we encode", () => {
    for (const name of CASES)
      for (const version of ["2.0", "1.0"] as const) {
        test(`${name}, metadata ${version}`, async () => {
          const golden = goldenCase(name)
          const { study_uid, series_uid } = golden.expected
          const place = {
            studyUid: study_uid,
            seriesUid: series_uid,
            datastore: `gs://${BUCKET}/${name}-${version}`,
          }
          await put(place, encoded(golden, place, version))
          const theirs = await peer.ask<PeerSeries>("read", {
            datastore: place.datastore,
            study_uid,
            series_uid,
          })
          await using cod = await CODObject.open({ ...place, store, lock: false })
          expect(theirs).toEqual({ ...(await described(cod)), integrity_check: "ok" })
          for (const [key, { sha256 }] of Object.entries(golden.expected.instances)) {
            expect(theirs.instances[key]?.sha256).toBe(sha256)
          }
        })
      }
  })

  async function put(place: SeriesPlace, series: ReturnType<typeof encoded>) {
    const keys = seriesKeys(place.studyUid, place.seriesUid)
    const folder = place.datastore.slice(`gs://${BUCKET}/`.length)
    const write = (key: string, bytes: Uint8Array, contentType: string, contentEncoding?: string) =>
      store.write(`${folder}/${key}`, bytes, {
        ifGeneration: "absent",
        contentType,
        ...(contentEncoding === undefined ? {} : { contentEncoding }),
      })
    await write(keys.tar, series.tar, "application/x-tar")
    await write(keys.index, series.index, "application/vnd.sqlite3")
    await write(keys.metadata, series.metadata, "application/json", "gzip")
  }
}

/** The same instances in a tar, an index and metadata of ours. */
function encoded(golden: GoldenCase, place: SeriesPlace, version: MetadataVersion) {
  const tarKey = golden.keys.find((key) => key.endsWith(".tar"))!
  const parts: Uint8Array[] = []
  const members: TarMember[] = []
  const instances = new Map<string, InstanceRecord>()
  for (const [key, { start_byte, size }] of Object.entries(golden.expected.instances)) {
    const file = golden.bytes(tarKey).subarray(start_byte, start_byte + size)
    const end = members.at(-1)?.end ?? 0
    const { header, member, padding } = placeEntry(
      { name: memberName(key), size, mtime: 1_700_000_000.5 },
      end,
    )
    parts.push(header, file, padding)
    members.push(member)
    instances.set(key, recordOf(key, file, member, place))
  }
  const tar = Buffer.concat([...parts, endOfTar(members.at(-1)!.end)])
  const { studyUid, seriesUid } = place
  const { hashed_uids: hashedUids, metadata_fields } = golden.expected
  const fields = new Map(Object.entries(metadata_fields))
  const series = { studyUid, seriesUid, hashedUids, instances, fields, unknown: new Map() }
  return {
    tar,
    index: buildIndex(members, { size: tar.length, mtime: 1_700_000_001 }),
    metadata: encodeSeriesMetadata(series, { version }),
  }
}

function recordOf(key: string, bytes: Uint8Array, { start }: TarMember, place: SeriesPlace): InstanceRecord {
  const file = parseDicom(bytes)
  const uri = instanceUri(place, key)
  const tags = dicomJson(file, { uri })
  const uid = (tag: string) => String(tags[tag]?.Value?.[0])
  return newInstance({
    key,
    instanceUid: uid("00080018"),
    seriesUid: uid("0020000E"),
    studyUid: uid("0020000D"),
    hasPixeldata: pixeldataOf(file) !== undefined,
    uri,
    startByte: start,
    endByte: start + bytes.length,
    size: bytes.length,
    crc32c: crc32cBase64(bytes),
    offsetTables: offsetTables(file),
    originalPath: `gs://elsewhere/${key}.dcm`,
    dependencies: [`gs://elsewhere/${key}.dcm`],
    diffHashDupePaths: [],
    modifiedDatetime: "2026-01-02T03:04:05.678901",
    tags,
  })
}
