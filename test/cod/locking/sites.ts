import { type SeriesPlace, seriesKeys } from "../../../lib/cod/format/layout.ts"
import { startCloud } from "../../../lib/demo/cloud/server.ts"
import { openFileStore } from "../../../lib/storage/file.ts"
import { openGcs } from "../../../lib/storage/gcs.ts"
import type { ObjectInfo, ObjectStore } from "../../../lib/storage/store.ts"
import { tempDir } from "../../support/temp.ts"

/** A store that is there for one test, and a series in it. */
export interface LockSite extends AsyncDisposable {
  readonly store: ObjectStore
  readonly place: SeriesPlace
}

export const STUDY = "1.2.826.0.1.3680043.8.498.1"
export const SERIES = "1.2.826.0.1.3680043.8.498.2"

/** Where locks are taken, by the kind of store. */
export const SITES: Readonly<Record<string, () => Promise<LockSite>>> = {
  async "a folder"() {
    const dir = tempDir("cod-locks")
    const store = openFileStore(dir.path)
    return {
      store,
      place: placeIn(store),
      async [Symbol.asyncDispose]() {
        store[Symbol.dispose]()
        dir[Symbol.dispose]()
      },
    }
  },
  async "a bucket"() {
    const cloud = await startCloud()
    cloud.createBucket("locks")
    const store = openGcs({ bucket: "locks", emulatorUrl: cloud.url })
    // Below a folder of the bucket, while the store is the whole bucket.
    const place = { ...placeIn(store), datastore: `${store.uri}/archive` }
    return { store, place, [Symbol.asyncDispose]: () => cloud.stop() }
  },
}

export function placeIn(store: ObjectStore): SeriesPlace {
  return { datastore: store.uri, studyUid: STUDY, seriesUid: SERIES }
}

/** Key of an object in the series' folder. */
export function keyIn({ store, place }: Pick<LockSite, "store" | "place">, name: string): string {
  const prefix = place.datastore === store.uri ? "" : `${place.datastore.slice(store.uri.length + 1)}/`
  return prefix + seriesKeys(STUDY, SERIES).folder + name
}

/** Makes a lock as the Python package does: without a word of who it is. */
export function takeAsPython(
  site: Pick<LockSite, "store" | "place">,
  name = ".gradient.lock",
): Promise<ObjectInfo> {
  return site.store.write(keyIn(site, name), Bun.gzipSync(Buffer.from("{}")), {
    ifGeneration: "absent",
    contentType: "application/json",
    contentEncoding: "gzip",
  })
}

/** Names of all that stands in the series' folder. */
export async function standing(site: Pick<LockSite, "store" | "place">): Promise<string[]> {
  const folder = keyIn(site, "")
  const names: string[] = []
  for await (const { key } of site.store.list(folder)) names.push(key.slice(folder.length))
  return names
}
