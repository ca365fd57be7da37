/** Series that the Python package stored are written by us, and lose nothing. */
import { describe, expect, test } from "bun:test"
import { readIndex } from "../../../lib/cod/format/index/read.ts"
import { memberName, seriesKeys } from "../../../lib/cod/format/layout.ts"
import {
  breakLock,
  CODObject,
  type CODObjectOptions,
  check,
  findLocks,
  seriesUri,
} from "../../../lib/cod/index.ts"
import type { ObjectStore } from "../../../lib/storage/store.ts"
import { type GoldenCase, type GoldenSeries, goldenCases } from "../../support/golden.ts"
import { sha256 } from "../golden-series.ts"
import { dicom } from "./files.ts"
import { documentOf, readBack, SITES } from "./sites.ts"

const UNKNOWN = { of: ["nobody", 1, null] }

/** The UID of the instance that is appended. */
const ADDED = "1.2.826.0.1.3680043.8.498.77"

interface Written {
  readonly store: ObjectStore
  readonly keys: ReturnType<typeof seriesKeys>
  open(options?: Partial<CODObjectOptions>): Promise<CODObject>
  change(work: (cod: CODObject) => unknown, options?: Partial<CODObjectOptions>): Promise<void>
}

/** A golden series in a store, with keys that nobody knows at each level, and without what keeps writers out. */
async function stored({ expected, keys: names, bytes }: GoldenCase, store: ObjectStore): Promise<Written> {
  const place = { datastore: store.uri, studyUid: expected.study_uid, seriesUid: expected.series_uid }
  const keys = seriesKeys(place.studyUid, place.seriesUid)
  for (const key of names) {
    const { content_type: contentType, content_encoding: contentEncoding } = expected.objects[key]!
    const encoding = contentEncoding === null ? {} : { contentEncoding }
    const body = key === keys.metadata ? withUnknownKeys(bytes(key)) : bytes(key)
    await store.write(key, body, { ifGeneration: "absent", contentType, ...encoding })
  }
  for (const { generation } of await findLocks(store, place)) await breakLock(store, place, { generation })
  const uidHashFunc = expected.hashed_uids ? { uidHashFunc: hashOf(expected) } : {}
  const open: Written["open"] = (options) =>
    CODObject.open({ ...place, store, lock: true, overrideErrors: true, ...uidHashFunc, ...options })
  return {
    store,
    keys,
    open,
    async change(work, options) {
      await using cod = await open(options)
      await work(cod)
      await cod.sync()
      await cod.release()
    },
  }
}

function withUnknownKeys(bytes: Uint8Array): Uint8Array {
  const document = documentOf(bytes) as ReturnType<typeof documentOf> & Record<string, unknown>
  Object.assign(document, { nobody_knows: UNKNOWN })
  Object.assign(document.cod, { nobody_knows: UNKNOWN })
  for (const entry of Object.values(document.cod.instances)) {
    Object.assign(entry, { nobody_knows: UNKNOWN })
    Object.assign(entry.headers, { nobody_knows: UNKNOWN })
  }
  return Bun.gzipSync(JSON.stringify(document))
}

/** As far as the series and what we append to it are concerned. */
function hashOf({ study_uid, series_uid, instances }: GoldenSeries) {
  const hashes = new Map(Object.entries(instances).map(([key, { instance_uid }]) => [instance_uid, key]))
  const [first] = Object.values(instances)
  hashes.set(first!.study_uid, study_uid).set(first!.series_uid, series_uid).set(ADDED, keyOfAdded(true))
  return (uid: string) => hashes.get(uid) ?? `2.25.${Bun.hash.crc32(uid)}`
}

const keyOfAdded = (isHashed: boolean) => (isHashed ? "2.25.77" : ADDED)

/** A file of the series. */
function added({ instances }: GoldenSeries): Buffer {
  const [first] = Object.values(instances)
  return dicom({ instance: ADDED, study: first!.study_uid, series: first!.series_uid })
}

/** All that must be as it was, whatever was written, of these instances. */
async function expectKept(written: Written, golden: GoldenSeries, keys: readonly string[], version = "2.0") {
  const { cod: inner, ...fields } = documentOf(
    await new Response((await written.store.read(written.keys.metadata)).stream).bytes(),
  )
  const { tar_record, nobody_knows, study_uid, series_uid, deid_study_uid, deid_series_uid, ...own } = fields
  expect(own).toEqual(golden.metadata_fields)
  expect([nobody_knows, (inner as Record<string, unknown>).nobody_knows]).toEqual([UNKNOWN, UNKNOWN])
  expect([study_uid ?? deid_study_uid, series_uid ?? deid_series_uid]).toEqual([
    golden.study_uid,
    golden.series_uid,
  ])
  expect(deid_study_uid !== undefined).toBe(golden.hashed_uids)

  await using cod = await written.open({ lock: false })
  for (const key of keys) {
    const expected = golden.instances[key]!
    const entry = inner.instances[key]!
    expect(entry).toMatchObject({
      size: expected.size,
      crc32c: expected.crc32c,
      original_path: expected.original_path,
      dependencies: expected.dependencies as string[],
      diff_hash_dupe_paths: expected.diff_hash_dupe_paths as string[],
      modified_datetime: expected.modified_datetime,
      offset_tables: expected.offset_tables as object,
      version,
      nobody_knows: UNKNOWN,
      headers: { nobody_knows: UNKNOWN, end_byte: entry.headers.start_byte + expected.size },
    })
    expect(sha256(await readBack(cod, key))).toBe(expected.sha256)
    const instance = await cod.getInstance(key)
    expect(Object.keys(await instance.metadata()).length).toBe(expected.metadata_tags)
    expect(await instance.hasPixeldata()).toBe(expected.has_pixeldata)
    expect(await instance.instanceUid()).toBe(expected.instance_uid)
  }
  expect([...(await cod.getMetadata()).instances.keys()].filter((key) => key in golden.instances)).toEqual([
    ...keys,
  ])
  const bytes = await new Response((await written.store.read(written.keys.index)).stream).bytes()
  expect(readIndex(bytes).members.map(({ name }) => name)).toEqual(
    expect.arrayContaining(keys.map(memberName)),
  )
}

async function expectSound(written: Written, { study_uid: studyUid, series_uid: seriesUid }: GoldenSeries) {
  const uri = seriesUri({ datastore: written.store.uri, studyUid, seriesUid })
  const { findings } = await check(uri, { store: written.store })
  const expected = ["thumbnail-stale", "thumbnail-left-over", "offset-tables-shifted", "uid-too-long"]
  expect(findings.filter(({ kind }) => !expected.includes(kind))).toEqual([])
}

for (const [where, openSite] of Object.entries(SITES)) {
  describe(`the golden series in ${where}, written by us,`, () => {
    for (const golden of goldenCases()) {
      test(golden.name, async () => {
        await using site = await openSite()
        const { expected } = golden
        const written = await stored(golden, site.store)
        const keys = Object.keys(documentOf(golden.bytes(written.keys.metadata)).cod.instances)
        const own = keyOfAdded(expected.hashed_uids)
        const bytes = added(expected)
        const uidHashFunc = expected.hashed_uids ? hashOf(expected) : undefined

        await written.change(async (cod) => {
          const result = await cod.append([site.files.of(bytes, { uidHashFunc })])
          expect(result).toMatchObject({ new: [expect.anything()], errors: [] })
        })
        await expectKept(written, expected, keys)
        await expectSound(written, expected)
        // What was stored stays where it was, byte for byte.
        const tar = await site.bytes(written.keys.tar)
        const before = golden.bytes(written.keys.tar)
        const end = Math.max(
          ...Object.values(expected.instances).map(({ start_byte, size }) => start_byte + size),
        )
        expect(sha256(tar.subarray(0, end))).toBe(sha256(before.subarray(0, end)))

        await written.change((cod) => cod.addMetadataField("added", 1), { metadataVersion: "1.0" })
        await written.change((cod) => cod.removeMetadataField("added"), { metadataVersion: "1.0" })
        await expectKept(written, expected, keys, "1.0")
        await expectSound(written, expected)

        const kept = keys.slice(-2)
        await written.change((cod) => cod.truncate([...kept, own]))
        await expectKept(written, expected, kept)
        await expectSound(written, expected)
        await written.change((cod) => cod.remove([kept[0]!]))
        await expectKept(written, expected, kept.slice(1))
        await expectSound(written, expected)
        await using cod = await written.open({ lock: false })
        expect(await readBack(cod, own)).toEqual(new Uint8Array(bytes))
      })
    }
  })
}
