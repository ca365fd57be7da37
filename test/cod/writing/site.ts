import { type SeriesKeys, type SeriesPlace, seriesKeys, seriesUri } from "../../../lib/cod/format/layout.ts"
import { endOfTar, placeEntry } from "../../../lib/cod/format/tar/write.ts"
import { check } from "../../../lib/cod/index.ts"
import { type RepairAccess, repair } from "../../../lib/cod/repair.ts"
import { startCloud } from "../../../lib/demo/cloud/server.ts"
import { openFileStore } from "../../../lib/storage/file.ts"
import { openGcs } from "../../../lib/storage/gcs.ts"
import type { ObjectInfo, ObjectStore } from "../../../lib/storage/store.ts"
import { bytesAt, keysIn } from "../../contract/bodies.ts"
import type { GoldenCase } from "../../support/golden.ts"
import { tempDir } from "../../support/temp.ts"
import type { Document } from "../changed-series.ts"

export type Part = Exclude<keyof SeriesKeys, "folder">

/** A golden series in a store that can be written, to be damaged and mended. */
export interface Site extends AsyncDisposable {
  readonly golden: GoldenCase
  readonly store: ObjectStore
  readonly place: SeriesPlace
  readonly uri: string
  key(part: keyof SeriesKeys): string
  bytes(part: Part): Promise<Uint8Array>
  head(part: Part): Promise<ObjectInfo | undefined>
  put(part: Part, bytes: Uint8Array): Promise<void>
  remove(part: Part): Promise<void>
  document(): Promise<Document>
  changeMetadata(change: (document: Document) => void): Promise<void>
  changeTar(change: (tar: Buffer) => Uint8Array): Promise<void>
  /** Keys of all that is stored. */
  everything(): Promise<string[]>
  repair(options?: RepairAccess): ReturnType<typeof repair>
  check(): ReturnType<typeof check>
}

/** Where series are written, by the kind of store. */
export const SITES: Readonly<Record<string, (golden: GoldenCase) => Promise<Site>>> = {
  async "a folder"(golden) {
    const dir = tempDir("cod-site")
    const store = openFileStore(dir.path)
    return await siteIn(golden, store, store.uri, async () => {
      store[Symbol.dispose]()
      dir[Symbol.dispose]()
    })
  },
  async "a bucket"(golden) {
    const cloud = await startCloud()
    cloud.createBucket("golden")
    const store = openGcs({ bucket: "golden", emulatorUrl: cloud.url })
    return await siteIn(golden, store, `${store.uri}/archive`, async () => {
      store[Symbol.dispose]()
      await cloud.stop()
    })
  },
}

/** In a folder: for what does not depend on the store. */
export const folderWith = SITES["a folder"]!

async function siteIn(
  golden: GoldenCase,
  store: ObjectStore,
  datastore: string,
  close: () => Promise<void>,
): Promise<Site> {
  const { study_uid: studyUid, series_uid: seriesUid, objects } = golden.expected
  const place = { datastore, studyUid, seriesUid }
  const uri = seriesUri(place)
  const prefix = datastore.slice(store.uri.length + 1)
  const within = (key: string) => (prefix === "" ? key : `${prefix}/${key}`)
  const keyOf = (part: keyof SeriesKeys) => within(seriesKeys(studyUid, seriesUid)[part])
  const write = async (
    key: string,
    bytes: Uint8Array,
    type = "application/json",
    encoding?: string | null,
  ) => {
    const ifGeneration = (await store.head(key))?.generation ?? "absent"
    const contentEncoding = encoding ? { contentEncoding: encoding } : {}
    await store.write(key, bytes, { ifGeneration, contentType: type, ...contentEncoding })
  }
  for (const key of golden.keys) {
    const { content_type, content_encoding } = objects[key]!
    await write(within(key), golden.bytes(key), content_type, content_encoding)
  }
  const site: Site = {
    golden,
    store,
    place,
    uri,
    key: keyOf,
    bytes: (part) => bytesAt(store, keyOf(part)),
    head: (part) => store.head(keyOf(part)),
    put: (part, bytes) => write(keyOf(part), bytes),
    async remove(part) {
      await store.delete(keyOf(part), { ifGeneration: (await site.head(part))!.generation })
    },
    async document() {
      const plain = Bun.gunzipSync(new Uint8Array(await site.bytes("metadata")))
      return JSON.parse(Buffer.from(plain).toString()) as Document
    },
    async changeMetadata(change) {
      const document = await site.document()
      change(document)
      await site.put("metadata", Bun.gzipSync(JSON.stringify(document)))
    },
    changeTar: async (change) => await site.put("tar", change(Buffer.from(await site.bytes("tar")))),
    everything: () => keysIn(store),
    repair: (options = {}) => repair(uri, { store, ...options }),
    check: () => check(uri, { store }),
    [Symbol.asyncDispose]: close,
  }
  return site
}

/** A member of a tar, with its headers and padding, that is to stand at `position`. */
export function memberBytes(name: string, data: Uint8Array, position: number): Buffer {
  const { header, padding } = placeEntry({ name, size: data.length, mtime: 1_700_000_000 }, position)
  return Buffer.concat([header, data, padding])
}

/** A tar's end for members that end at `position`. */
export function ended(members: Uint8Array): Buffer {
  return Buffer.concat([members, endOfTar(members.length)])
}
