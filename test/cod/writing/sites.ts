import { seriesKeys } from "../../../lib/cod/format/layout.ts"
import {
  type CheckReport,
  CODObject,
  type CODObjectOptions,
  check,
  findLocks,
  type SeriesPlace,
} from "../../../lib/cod/index.ts"
import type { Cloud } from "../../../lib/demo/cloud/cloud.ts"
import { startCloud } from "../../../lib/demo/cloud/server.ts"
import { openFileStore } from "../../../lib/storage/file.ts"
import { openGcs } from "../../../lib/storage/gcs.ts"
import type { ObjectStore } from "../../../lib/storage/store.ts"
import { type TempDir, tempDir } from "../../support/temp.ts"
import type { Document } from "../changed-series.ts"
import { SERIES, type SourceFiles, STUDY, sourceFiles } from "./files.ts"

/** A datastore for one test, and one series of it. */
export interface Site extends AsyncDisposable {
  readonly store: ObjectStore
  readonly place: SeriesPlace
  readonly keys: ReturnType<typeof seriesKeys>
  readonly files: SourceFiles
  /** For temporary files: what is in it was left behind. */
  readonly temp: TempDir
  /** Undefined where the store is a folder. */
  readonly cloud: Cloud | undefined
  /** Under its lock, unless said otherwise. */
  open(options?: Partial<CODObjectOptions>): Promise<CODObject>
  /** Opens the series, changes it, and gives the lock back. */
  change(work: (cod: CODObject) => unknown, options?: Partial<CODObjectOptions>): Promise<void>
  bytes(key: string): Promise<Uint8Array>
  document(): Promise<Document>
  /** Exchanges an object, past all locks. */
  put(key: string, bytes: Uint8Array): Promise<void>
  check(): Promise<CheckReport>
  /** Names of the locks that stand. */
  locks(): Promise<string[]>
}

export const SITES: Readonly<Record<string, () => Promise<Site>>> = {
  "a folder": folderSite,
  "a bucket": bucketSite,
}

export async function folderSite(): Promise<Site> {
  const dir = tempDir("cod-writing")
  const store = openFileStore(dir.file("store"))
  return siteOf(store, undefined, async () => {
    store[Symbol.dispose]()
    dir[Symbol.dispose]()
  })
}

export async function bucketSite(): Promise<Site> {
  const cloud = await startCloud({ faults: false })
  cloud.createBucket("series")
  const store = openGcs({ bucket: "series", emulatorUrl: cloud.url })
  return siteOf(store, cloud, async () => {
    store[Symbol.dispose]()
    await cloud.stop()
  })
}

function siteOf(store: ObjectStore, cloud: Cloud | undefined, close: () => Promise<void>): Site {
  const temp = tempDir("cod-temp")
  const sources = tempDir("cod-sources")
  const place = { datastore: store.uri, studyUid: STUDY, seriesUid: SERIES }
  const keys = seriesKeys(STUDY, SERIES)
  const site: Site = {
    store,
    cloud,
    place,
    keys,
    temp,
    files: sourceFiles(sources.path),
    open: (options = {}) => CODObject.open({ ...place, store, lock: true, tempDir: temp.path, ...options }),
    async change(work, options) {
      await using cod = await site.open(options)
      await work(cod)
      await cod.sync()
      await cod.release()
    },
    bytes: async (key) => new Response((await store.read(key)).stream).bytes(),
    document: async () => documentOf(await site.bytes(keys.metadata)),
    async put(key, bytes) {
      const ifGeneration = (await store.head(key))?.generation ?? "absent"
      await store.write(key, bytes, { ifGeneration, contentType: "application/octet-stream" })
    },
    check: () => check(`${place.datastore}/studies/${STUDY}/series/${SERIES}`, { store }),
    locks: async () => (await findLocks(store, place)).map(({ name }) => name),
    async [Symbol.asyncDispose]() {
      temp[Symbol.dispose]()
      sources[Symbol.dispose]()
      await close()
    },
  }
  return site
}

/** What metadata.json says, gzip or not. */
export function documentOf(bytes: Uint8Array): Document {
  const plain = bytes[0] === 0x1f ? Bun.gunzipSync(new Uint8Array(bytes)) : bytes
  return JSON.parse(Buffer.from(plain).toString()) as Document
}

/** The bytes of an instance, read anew. */
export async function readBack(cod: CODObject, key: string): Promise<Uint8Array> {
  await using view = await cod.openInstance(key)
  return await view.bytes()
}
