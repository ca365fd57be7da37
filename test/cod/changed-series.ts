import { type CheckReport, CODObject, type CODObjectOptions, check, seriesUri } from "../../lib/cod/index.ts"
import { openFileStore } from "../../lib/storage/file.ts"
import type { ObjectInfo } from "../../lib/storage/store.ts"
import type { GoldenCase } from "../support/golden.ts"
import { tempDir } from "../support/temp.ts"
import { type WatchedStore, watched } from "./watched.ts"

/** A metadata document as it stands in JSON. */
export interface Document {
  study_uid?: string
  series_uid?: string
  cod: { instances: Record<string, Entry> }
  [field: string]: unknown
}

export interface Entry {
  headers: { start_byte: number; end_byte: number }
  size: number
  crc32c: string
  offset_tables: { CustomOffsetTable?: number[]; CustomOffsetTableLengths?: number[] }
  metadata: unknown
  version?: string
  [name: string]: unknown
}

/** A golden series in a folder of its own, to be changed. */
export interface ChangedSeries extends AsyncDisposable {
  readonly keys: Readonly<Record<"tar" | "metadata" | "index" | "folder", string>>
  readonly folder: string
  readonly store: WatchedStore
  readonly uri: string
  bytes(key: string): Promise<Uint8Array>
  put(key: string, bytes: Uint8Array): Promise<ObjectInfo>
  remove(key: string): Promise<void>
  head(key: string): Promise<ObjectInfo | undefined>
  /** Writes metadata.json anew. */
  changeMetadata(change: (document: Document) => void): Promise<void>
  /** Writes the tar anew. */
  changeTar(change: (tar: Uint8Array) => Uint8Array | undefined): Promise<void>
  open(options?: Partial<CODObjectOptions>): Promise<CODObject>
  check(): Promise<CheckReport>
}

export async function changedSeries(golden: GoldenCase): Promise<ChangedSeries> {
  const { study_uid: studyUid, series_uid: seriesUid } = golden.expected
  const root = `studies/${studyUid}/series/${seriesUid}`
  const dir = tempDir("series")
  const files = openFileStore(dir.path)
  const store = watched(files)
  const keys = {
    tar: `${root}.tar`,
    metadata: `${root}/metadata.json`,
    index: `${root}/index.sqlite`,
    folder: `${root}/`,
  }
  const series: ChangedSeries = {
    keys,
    folder: dir.path,
    store,
    uri: seriesUri({ datastore: files.uri, studyUid, seriesUid }),
    bytes: async (key) => new Response((await files.read(key)).stream).bytes(),
    async put(key, bytes) {
      const ifGeneration = (await files.head(key))?.generation ?? "absent"
      return await files.write(key, bytes, { ifGeneration, contentType: "application/octet-stream" })
    },
    remove: async (key) => files.delete(key, { ifGeneration: (await files.head(key))!.generation }),
    head: (key) => files.head(key),
    async changeMetadata(change) {
      const text = Buffer.from(Bun.gunzipSync(new Uint8Array(await series.bytes(keys.metadata)))).toString()
      const document = JSON.parse(text) as Document
      change(document)
      await series.put(keys.metadata, Bun.gzipSync(JSON.stringify(document)))
    },
    async changeTar(change) {
      const tar = new Uint8Array(await series.bytes(keys.tar))
      await series.put(keys.tar, change(tar) ?? tar)
    },
    open: (options = {}) => CODObject.open({ store, studyUid, seriesUid, lock: false, ...options }),
    check: () => check(series.uri, { store }),
    [Symbol.asyncDispose]: async () => {
      files[Symbol.dispose]()
      dir[Symbol.dispose]()
    },
  }
  for (const key of golden.keys) await series.put(key, golden.bytes(key))
  return series
}
