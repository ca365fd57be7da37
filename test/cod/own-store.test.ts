import { afterAll, expect, test } from "bun:test"
import { closeSync, cpSync, ftruncateSync, mkdirSync, openSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import {
  CODObject,
  CODObjectNotFoundError,
  CorruptInstanceError,
  Instance,
  listStudies,
  seriesInfo,
} from "../../lib/cod/index.ts"
import { AccessDenied, BucketNotFound } from "../../lib/storage/errors.ts"
import { UsageError } from "../../lib/support/errors.ts"
import { failureOf } from "../contract/bodies.ts"
import { goldenCase } from "../support/golden.ts"
import { tempDir } from "../support/temp.ts"
import { openGolden } from "./golden-bucket.ts"
import { sha256 } from "./golden-series.ts"
import { watched } from "./watched.ts"

// Nobody hands a store in: a URI and credentials are all that is known.

const bucket = await openGolden()
afterAll(() => bucket.stop())

const GOLDEN = goldenCase("several-instances")
const [KEY, EXPECTED] = Object.entries(GOLDEN.expected.instances)[0]!
const { study_uid: studyUid, series_uid: seriesUid } = GOLDEN.expected
const place = { studyUid, seriesUid, lock: false } as const

test("a series in a bucket is opened by its URI and the credentials for it", async () => {
  const { datastore } = bucket.put(GOLDEN)
  const access = { gcs: { emulatorUrl: bucket.cloud.url } }
  await using cod = await CODObject.open({ ...place, datastore: `${datastore}/`, access })
  await using view = await cod.openInstance(KEY)
  expect(sha256(await view.bytes())).toBe(EXPECTED.sha256)
  expect((await seriesInfo(cod.tarUri, { access })).instances).toBe(5)
  expect(await Array.fromAsync(listStudies({ datastore, access }))).toMatchObject([{ studyUid, series: 1 }])
  await using instance = new Instance({ dicomUri: `${cod.tarUri}://instances/${KEY}.dcm`, access })
  expect(await instance.crc32c()).toBe(EXPECTED.crc32c)
})

test("a folder may have a name that URIs write otherwise", async () => {
  using dir = tempDir("own")
  cpSync(GOLDEN.folder, dir.file("a b#c%20é"), { recursive: true })
  const datastore = pathToFileURL(dir.file("a b#c%20é")).href
  await using cod = await CODObject.open({ ...place, datastore })
  await using again = await CODObject.fromUri(cod.metadataUri, { lock: false })
  for (const series of [cod, again]) {
    await using view = await series.openInstance(KEY)
    expect(sha256(await view.bytes())).toBe(EXPECTED.sha256)
  }
})

test("what is not there is said to be missing, also when there is no such folder or bucket", async () => {
  using dir = tempDir("own")
  const nowhere = pathToFileURL(dir.file("nowhere")).href
  const error = await failureOf(CODObject.open({ ...place, datastore: nowhere }))
  expect(error instanceof CODObjectNotFoundError || error instanceof BucketNotFound).toBe(true)
  const access = { gcs: { emulatorUrl: bucket.cloud.url } }
  const noBucket = CODObject.open({ ...place, datastore: "gs://no-such-bucket/archive", access })
  expect(await failureOf(noBucket)).toBeInstanceOf(BucketNotFound)
})

test.each(["http://server/archive", "archive", "", "ftp://a/b"])("%p is no datastore", async (datastore) => {
  expect(await failureOf(CODObject.open({ ...place, datastore }))).toBeInstanceOf(UsageError)
})

test("who may read but not list reads, is told of what is wrong, and checks", async () => {
  const { store, datastore } = bucket.put(GOLDEN)
  // What is not there is refused to them, as S3 and GCS do it.
  const reader = watched(store, async ({ verb, key }) => {
    if (verb === "list" || (await store.head(key)) === undefined) throw new AccessDenied("403", {})
  })
  await using cod = await CODObject.open({ ...place, datastore, store: reader })
  expect((await cod.integrityCheck()).findings).toEqual([])
  expect(await seriesInfo(cod.tarUri, { store: reader })).toMatchObject({ locks: [], thumbnails: [] })
  const tar = cod.tarUri.replace("gs://golden/", "")
  const bytes = GOLDEN.bytes(GOLDEN.keys.find((key) => key.endsWith(".tar"))!)
  bytes[EXPECTED.start_byte]! ^= 1
  bucket.cloud.put(bucket.bucket, tar, bytes)
  expect(await failureOf(cod.openInstance(KEY))).toBeInstanceOf(CorruptInstanceError)
})

test("a tar that others put into a folder is not read as a whole for what its size tells", async () => {
  using dir = tempDir("own")
  const root = dir.file("studies", studyUid, "series")
  mkdirSync(join(root, seriesUid), { recursive: true })
  const metadata = GOLDEN.keys.find((key) => key.endsWith("metadata.json"))!
  await Bun.write(join(root, seriesUid, "metadata.json"), GOLDEN.bytes(metadata))
  const tar = openSync(join(root, `${seriesUid}.tar`), "w")
  ftruncateSync(tar, 2 ** 40)
  closeSync(tar)
  const uri = `${pathToFileURL(dir.path).href}/studies/${studyUid}/series/${seriesUid}`
  expect((await seriesInfo(uri)).tarBytes).toBe(2 ** 40)
  await using cod = await CODObject.fromUri(uri, { lock: false })
  expect(await failureOf(cod.openInstance(KEY))).toBeInstanceOf(CorruptInstanceError)
})
